"""Stopping servers that nobody uses.

A server knows best whether it is in use: its extension (`km3lab.watch`) counts what a person does
and every busy kernel, and the server reports that to the hub. The proxy would count any request,
and an open tab of JupyterLab polls for ever, so what the proxy measures is ignored.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

from km3hub.configure.extending import extend
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["QuietProxy", "configure_culling"]

#: How often a server reports when it was last used, unless the idle time asks for more.
REPORT_SECONDS = 300
#: JupyterHub adds up to a tenth to the interval, so that servers do not report all at once; the
#: rest is for a report that has to be repeated.
_LATE = 1.2


class QuietProxy(ConfigurableHTTPProxy):
    """The proxy, without its own idea of when a server was used, and complete from the start.

    `JupyterHub.last_activity_interval = 0` would do the former, but would also end the repair of
    routes that JupyterHub does at the same interval.
    """

    _complete = False

    async def get_all_routes(self) -> dict[str, Any]:
        """All routes, as the hub wants them.

        JupyterHub asks before it listens, and tells the proxy after that where users' servers are.
        Meanwhile it would answer in their place, and their pages would hear that there is no
        server. So the first question comes with the routes.
        """
        if not self._complete:
            self._complete = True
            await self.check_routes(self.app.users, self.app._service_map)
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes


def configure_culling(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set how servers report activity, and the service that stops idle ones."""
    c.JupyterHub.proxy_class = QuietProxy
    culling = settings.culling
    idle = int(culling.idle_minutes * 60)
    age = int(culling.max_age_hours * 3600)
    report = max(1, min(REPORT_SECONDS, idle // 10)) if idle else REPORT_SECONDS
    environment = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(report)}
    if idle:
        # The server warns its user before the end.
        environment["KM3_CULL_IDLE_SECONDS"] = str(idle)
    extend(c.Spawner, "environment", environment)
    if not idle and not age:
        return
    late = int(report * _LATE) + 1
    command = [sys.executable, "-m", "km3hub.configure.culling", str(late)]
    command += [f"--cull-every={max(1, int(culling.check_minutes * 60))}"]
    # What was done since the last report must count. Without an idle limit only age does, and the
    # culler has no word for "never": ten years.
    command += [f"--timeout={idle + late if idle else 10 * 365 * 86400}"]
    if age:
        command += [f"--max-age={age}"]
    service = {"name": "culler", "command": command, "display": False}
    # `km3hub down` finds every process of a hub by these, even of one that was killed.
    service["environment"] = {**runtime.environment(), "KM3_ROLE": "hub"}
    extend(c.JupyterHub, "services", [service])
    extend(
        c.JupyterHub,
        "load_roles",
        [
            {
                "name": "culler",
                "description": "Stops servers that nobody uses",
                "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
                "services": ["culler"],
            }
        ],
    )


def main(argv: list[str]) -> None:
    """Run the culler after a pause: `SECONDS OPTION...`.

    When a hub comes back after hours, all that it remembers is hours old. Its servers need a
    moment to say that they are in use; without the pause all of them would be stopped.
    """
    from jupyterhub_idle_culler import main as cull

    time.sleep(float(argv[0]))
    sys.argv = ["jupyterhub-idle-culler", *argv[1:]]
    cull()


if __name__ == "__main__":
    main(sys.argv[1:])
