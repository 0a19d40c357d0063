"""More configuration for the hub of these tests: servers that are quick, or never start.

One answers at once, one never does, one dies, two are refused with a reason. RunningHub puts this
text after its own.
"""

import asyncio
import sys

from jupyterhub.spawner import SimpleLocalProcessSpawner, SpawnException

from km3hub.configure.files import configure_files
from km3hub.spawning import options
from km3settings.runtime import Runtime
from km3settings.settings import load

c = get_config()  # noqa: F821 -- JupyterHub runs this file with get_config defined

TOKEN = "0123456789abcdef0123456789abcdef"
COMMANDS = {
    "works": c.Spawner.cmd,
    "slow": [sys.executable, "-c", "import time; time.sleep(600)"],
    "dies": [sys.executable, "-c", "raise SystemExit(3)"],
}


class Reason(SpawnException):
    """A start that fails for a reason that is known, as the platform's spawners say it."""

    def __init__(self, sentence):
        super().__init__(sentence, reason="test")
        self.jupyterhub_message = sentence


class QuickSpawner(SimpleLocalProcessSpawner):
    """Starts the behaviour that the chosen environment represents."""

    runtime = Runtime.from_environment()
    platform = load(runtime.settings_file)

    async def start(self):
        """Start it."""
        name = self.choice.environment.name
        if name == "late":
            # Longer than the hub waits before it shows the page of progress.
            await asyncio.sleep(2)
        if name in {"full", "late"}:
            raise Reason(f"The disk <of {name}> is full.")
        # On a busy machine a Python that works may need long, one that died is not waited for.
        self.http_timeout = 8 if name == "dies" else 60
        self.cmd = COMMANDS[name]
        return await super().start()

    async def progress(self):
        """Two steps, one with markup in its message."""
        yield {"progress": 20, "message": f"Starting {self.choice.environment.title}"}
        yield {"progress": 60, "message": "Preparing <b>tutorials</b>"}


c.JupyterHub.spawner_class = QuickSpawner
c.Spawner.options_form = options.options_form
c.Spawner.options_from_form = options.options_from_form
c.Spawner.apply_user_options = options.apply_user_options
c.JupyterHub.services.append({"name": "tester", "api_token": TOKEN, "display": False})
c.JupyterHub.load_roles.append(
    {"name": "tester", "scopes": ["servers", "admin:users"], "services": ["tester"]}
)
runtime = Runtime.from_environment()
configure_files(c, load(runtime.settings_file), runtime)
