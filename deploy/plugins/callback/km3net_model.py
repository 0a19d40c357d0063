"""Imports the model of platform.yaml once, in the process that Ansible forks for each task.

The filters of `plugins/filter` need it. Without this each task that uses any filter at all would
import it anew, for 0.6 s of CPU.
"""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Does nothing else."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "km3net_model"
    CALLBACK_NEEDS_ENABLED = False
