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

#: Seconds between a server's activity reports, unless a short idle time needs more.
REPORT_SECONDS = 300
#: JupyterHub adds up to a tenth to the interval to spread the reports; the rest is for a repeated
#: report.
_LATE = 1.2


class QuietProxy(ConfigurableHTTPProxy):
    """The proxy without its own measurement of activity, and with all routes from the start.

    `JupyterHub.last_activity_interval = 0` would do the former, but would also end the repair of
    routes that JupyterHub does at the same interval.
    """

    _complete = False

    async def get_all_routes(self) -> dict[str, Any]:
        """Returns all routes, without the proxy's own measurement of activity.

        JupyterHub asks for the routes before it listens and adds those of users' servers after
        that. In between it would answer in their place that there is no server. So the routes are
        added at the first question.
        """
        if not self._complete:
            self._complete = True
            await self.check_routes(self.app.users, self.app._service_map)
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes


def configure_culling(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set how servers report activity, and the service that stops idle servers."""
    c.JupyterHub.proxy_class = QuietProxy
    culling = settings.culling
    idle = int(culling.idle_minutes * 60)
    age = int(culling.max_age_hours * 3600)
    report = max(1, min(REPORT_SECONDS, idle // 10)) if idle else REPORT_SECONDS
    environment = {"JUPYTERHUB_ACTIVITY_INTERVAL": str(report)}
    if idle:
        # The server warns its user before it is stopped.
        environment["KM3_CULL_IDLE_SECONDS"] = str(idle)
    extend(c.Spawner, "environment", environment)
    if not idle and not age:
        return
    late = int(report * _LATE) + 1
    command = [sys.executable, "-m", "km3hub.configure.culling", str(late)]
    command += [f"--cull-every={max(1, int(culling.check_minutes * 60))}"]
    # Activity since the last report must count. Without an idle limit only the age matters; the
    # culler has no option for "never", so the limit is ten years.
    command += [f"--timeout={idle + late if idle else 10 * 365 * 86400}"]
    if age:
        command += [f"--max-age={age}"]
    service = {"name": "culler", "command": command, "display": False}
    # `make down` finds the processes of a hub by these, even after it was killed.
    service["environment"] = {**runtime.environment(), "KM3_ROLE": "hub"}
    extend(c.JupyterHub, "services", [service])
    extend(
        c.JupyterHub,
        "load_roles",
        [
            {
                "name": "culler",
                "description": "Stops idle servers",
                "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
                "services": ["culler"],
            }
        ],
    )


def main(argv: list[str]) -> None:
    """Run the culler after a delay: `SECONDS OPTION...`.

    When a hub is started after hours, its activity data are hours old. Without the delay all
    servers would be stopped before they can report.
    """
    from jupyterhub_idle_culler import main as cull

    time.sleep(float(argv[0]))
    sys.argv = ["jupyterhub-idle-culler", *argv[1:]]
    cull()


if __name__ == "__main__":
    main(sys.argv[1:])
