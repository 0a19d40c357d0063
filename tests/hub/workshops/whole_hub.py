"""More configuration for the hub of these tests: the platform's own servers, queue and accounts.

RunningHub puts this text after its own.
"""

import os
from dataclasses import replace

from km3hub.configure.rehearsal import configure_rehearsal
from km3hub.configure.spawning import configure_spawning
from km3settings.runtime import Runtime
from km3settings.settings import load

c = get_config()  # noqa: F821 -- JupyterHub runs this file with get_config defined
runtime = replace(
    Runtime.from_environment(),
    tutorials=os.environ["TEST_TUTORIALS"],
    server_user=os.environ.get("TEST_SERVER_USER", ""),
)
platform = load(runtime.settings_file)
configure_spawning(c, platform, runtime)
configure_rehearsal(c, platform, runtime)
