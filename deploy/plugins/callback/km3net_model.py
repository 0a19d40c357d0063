"""Imports the model of platform.yaml once, in the process that Ansible forks for each task.

The filters of `plugins/filter` need the model. Without this, every task that uses any filter would
import it again, for 0.6 s of CPU.
"""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase

import km3settings.compose
import km3settings.settings  # noqa: F401 - imported for the processes that Ansible forks


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Does nothing else."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "km3net_model"
    CALLBACK_NEEDS_ENABLED = False
