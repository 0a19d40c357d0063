"""More configuration for the hub of these tests: servers that start when their file `go` exists.

RunningHub puts this text after its own.
"""

import asyncio
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

from km3hub.configure.spawning import queue_of_starts
from km3hub.spawning.steps import ProgressSteps
from km3settings.runtime import Runtime
from km3settings.settings import load

c = get_config()  # noqa: F821 -- JupyterHub runs this file with get_config defined
runtime = Runtime.from_environment()
platform = load(runtime.settings_file)
queue = queue_of_starts(c, platform, runtime)


class QueuedSpawner(ProgressSteps, SimpleLocalProcessSpawner):
    """Waits for its turn as the platform's spawners do, and then for the test."""

    turns = queue

    async def start(self):
        """Start it."""
        self.forget_steps()
        async with self.my_turn("help@example.org"):
            self.say(20, "Starting")
            while not Path(f"go-{self.user.name}").exists():
                await asyncio.sleep(0.05)
            return await super().start()


c.JupyterHub.spawner_class = QueuedSpawner
# The answer to a request does not wait for the start.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.Spawner.start_timeout = 900
