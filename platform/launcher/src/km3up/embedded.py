"""The platform without a Docker Engine: hub, proxy and users' servers as local processes."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil

from km3settings.entrance import Entrance
from km3settings.findings import unenforced
from km3settings.logs import readable
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings, SettingsError, parse
from km3settings.waiting import wait_until
from km3settings.wildcard import decide, shared_origins
from km3up import processes
from km3up.backend import Service, Started
from km3up.failure import Failure
from km3up.hub import HubProgram, still_as_started
from km3up.in_force import InForce, refuse_other_path
from km3up.installation import Installation
from km3up.node import NodePackages
from km3up.provider import by_provider, client_secret
from km3up.server_user import provide_server_user

__all__ = ["Embedded"]

#: Seconds until the login page must answer.
START_LIMIT = 60
#: Seconds that a restarted hub may take to find the users' servers.
SERVERS_LIMIT = 60
#: What `make up` says where the settings have limits for homes.
_UNENFORCED = "the limits of homes are not enforced: users' servers are local processes"


class Embedded:
    """Starts and stops the embedded platform of one state folder.

    Parameters
    ----------
    root
        The checkout.
    runtime
        Mode, port and state folder.
    settings_file
        `platform.yaml`.
    say
        Called with the name of each long step.
    """

    def __init__(
        self, *, root: Path, runtime: Runtime, settings_file: Path, say: Callable[[str], None]
    ) -> None:
        self.root = root
        self.runtime = runtime
        self.settings_file = settings_file
        self.say = say
        # One client for all requests. Loading certificates would take longer than the requests; the
        # network's web proxy cannot reach loopback.
        self._client = httpx.Client(verify=False, timeout=5, trust_env=False)  # noqa: S501

    def _entrance(self, settings: Settings) -> Entrance:
        port = self.running_port() or self.runtime.port
        return Entrance(settings, replace(self.runtime, port=port))

    def running_port(self) -> int | None:
        """Returns the running platform's port; None if none is running.

        Users' servers count, too: they survive a hub that was killed, and depend on its address.
        """
        file = self.runtime.state.run / "port"
        if file.exists() and any(True for _ in self._processes("hub", "server")):
            return int(file.read_text())
        return None

    def runs(self) -> bool:
        """Returns whether any process of this state folder is running."""
        return any(True for _ in self._processes(*processes.ROLES))

    def status(self, settings: Settings) -> dict[str, Service]:
        """Returns the services by their display names."""
        portal = self._portal(settings)
        entrance = self._entrance(settings)
        found = {"Hub": Service(entrance.address, self.answers(settings))}
        if portal.runs_here:
            answers = self._all_answer(f"{portal.local_address}/health")
            found["Open Data"] = Service(portal.for_people or portal.local_address, answers)
        return found

    def _portal(self, settings: Settings) -> Portal:
        port = self.running_port() or self.runtime.port
        return Portal(settings, replace(self.runtime, port=port))

    def answers(self, settings: Settings) -> bool:
        """Returns whether the hub answers at the address that it was started with."""
        if not self.running_port():
            return False
        kept = InForce.kept(self.runtime.state)
        if kept:
            try:
                settings = parse(kept.settings)
            except SettingsError:  # of a version with other keys
                return False
        return self._all_answer(f"{self._entrance(settings).hub}/health")

    def installation(self, settings: Settings) -> Installation:
        """Return what this platform needs installed."""
        return Installation(
            root=self.root, state=self.runtime.state, settings=settings, say=self.say
        )

    def install(self, settings: Settings) -> None:
        """Install and compile everything, without starting anything."""
        installation = self.installation(settings)
        installation.first()
        installation.rest()
        installation.compile()

    def up(self, settings: Settings) -> Started:
        """Install what is missing, start what is not running, apply changes.

        A hub with older settings or code is restarted; users' servers and their kernels keep
        running.

        Raises
        ------
        Failure
            If something is missing or cannot be installed, a port is taken, or the hub does
            not come up. Except in the last case, what was running keeps running.
        """
        client_secret(settings, self.settings_file)
        self.runtime = replace(
            self.runtime,
            port=self.running_port() or self.runtime.port,
            server_user=provide_server_user(),
        )
        self.runtime = decide(settings, self.runtime)
        state = self.runtime.state
        ran_before = self.answers(settings)
        self._require_same_path(settings)
        before = InForce.kept(state) if ran_before else None
        wanted = InForce.now(self.root, settings, self.runtime)
        changes = wanted.differs(before) if ran_before else []
        if changes or not ran_before:
            self._require_free_ports(settings)
        installation = self.installation(settings)
        installation.first()
        new_accounts = not by_provider(settings) and self._hub.make_first_accounts(state)
        notes = (*unenforced(settings), *shared_origins(settings, self.runtime))
        if changes or not ran_before:
            if ran_before:
                self._hub.rehearse()
            self.say("Starting hub and proxy again" if ran_before else "Starting hub and proxy")
            self._start_hub(settings)
            notes += self._servers_that_run()
        elif before and before.servers != wanted.servers:
            notes += self._servers_that_run()
        wanted.keep(state)
        data = f"{state.homes} (homes), {state.accounts.name} and {state.database.name} beside it"
        portal = self.status(settings).get("Open Data")
        address = self._entrance(settings).address
        return Started(
            address, data, new_accounts, ran_before, portal=portal, applied=tuple(changes),
            notes=notes, homes=_UNENFORCED if settings.homes.needs_service else "",
            pending=tuple(installation.pending),
        )  # fmt: skip

    def finish(self, settings: Settings) -> None:
        """Install what the first login did not need, and begin to compile all of it."""
        installation = self.installation(settings)
        installation.rest()
        if not any(True for _ in self._processes(*processes.BEHIND)):
            installation.compile_behind(self.settings_file)

    def _require_same_path(self, settings: Settings) -> None:
        """Refuse another URL path while users' servers are running, which depend on the old one.

        Raises
        ------
        Failure
            In that case; everything keeps running.
        """
        kept = InForce.kept(self.runtime.state)
        if kept and any(True for _ in self._processes("server")):
            refuse_other_path(kept.settings, settings)

    def _servers_that_run(self) -> tuple[str, ...]:
        """Wait for users' servers that are older than the hub; return notes about them."""
        servers, lost = self._hub.await_servers(SERVERS_LIMIT)
        notes = [still_as_started(servers)] if servers else []
        if lost:
            log = self.runtime.state.logs / "hub.log"
            notes.append(f"{lost} of them cannot be reached yet; see {log}")
        return tuple(notes)

    @property
    def _hub(self) -> HubProgram:
        return HubProgram(
            command=[sys.executable, "-P", "-m", "km3hub"], environment=self._hub_environment()
        )

    def _hub_environment(self) -> dict[str, str]:
        state = self.runtime.state
        return {
            **os.environ,
            **replace(
                self.runtime,
                settings_file=self.settings_file,
                node=NodePackages(root=self.root, folder=state.proxy).node(),
                tutorials=str(self.root / "notebooks"),
            ).environment(),
            "KM3_ROLE": "hub",
        }

    def _start_hub(self, settings: Settings) -> None:
        """Start the hub, which starts proxy and portal; return when the login page answers.

        Raises
        ------
        Failure
            If the hub does not come up; its log is quoted.
        """
        self._stop_hub()
        log = self.runtime.state.logs / "hub.log"
        with log.open("ab") as output:
            start = output.tell()
            hub = subprocess.Popen(
                [sys.executable, "-m", "km3hub.hub"],
                cwd=self.runtime.state.root,
                env=self._hub_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Servers then run as another user, who must not read the hub's files.
                umask=0o077 if self.runtime.server_user else -1,
            )
        (self.runtime.state.run / "port").write_text(str(self.runtime.port))
        entrance = Entrance(settings, self.runtime)
        wait_until(
            lambda: self._login_page_answers(entrance) or hub.poll() is not None,
            seconds=START_LIMIT,
        )
        if hub.poll() is not None or not self._login_page_answers(entrance):
            words = readable(log.read_bytes()[start:].decode(errors="replace").strip().splitlines())
            self._stop_hub()
            raise Failure(
                "The hub did not start. The last lines of its log:\n  "
                + "\n  ".join(words[-12:])
                + f"\nThe whole log: {log}"
            )

    def down(self) -> bool:
        """Stop hub, proxy and users' servers; return whether any was running."""
        processes.end(list(self._processes(*processes.BEHIND)))
        found = list(self._processes(*processes.ROLES))
        processes.end(found)
        return bool(found)

    def belongings(self) -> list[str]:
        """Returns the state folder and its contents."""
        return [f"{self.runtime.state.root}   accounts, homes of embedded mode, environments, logs"]

    def clean(self) -> None:
        """Delete the state folder permanently."""
        shutil.rmtree(self.runtime.state.root, ignore_errors=True)

    def _login_page_answers(self, entrance: Entrance) -> bool:
        # The hub first: the proxy logs an error for requests that arrive before the hub is up.
        return self._all_answer(
            f"http://127.0.0.1:{self.runtime.port + 1}{entrance.path}/hub/health",
            f"{entrance.hub}/login",
        )

    def _all_answer(self, *addresses: str) -> bool:
        try:
            return all(self._client.get(a).status_code == 200 for a in addresses)
        except httpx.HTTPError:
            return False

    def _require_free_ports(self, settings: Settings) -> None:
        ports = dict(enumerate(("login page", "hub", "proxy's control"), self.runtime.port))
        portal = Portal(settings, self.runtime)
        if portal.runs_here:
            if portal.port in ports:
                raise Failure(
                    f"services.opendata.port: {portal.port} is already the port of the"
                    f" {ports[portal.port]}; choose another one in {self.settings_file}"
                )
            ports[portal.port] = "Open Data Center"
        own = processes.listening(self._processes("hub", "opendata"))
        for port, what in ports.items():
            if port not in own:
                first = port == self.runtime.port
                self._require_free(
                    Entrance(settings, self.runtime).ip if first else "127.0.0.1", port, what
                )

    def _require_free(self, ip: str, port: int, what: str) -> None:
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise Failure(
                        f"site.public_url: this machine has no address {ip} to listen on; change or"
                        " remove it"
                    ) from None
                raise Failure(
                    f"Port {port} ({what}) is in use by another program. Choose another one:"
                    f" make up PORT={self.runtime.port + 1000}"
                ) from None

    def _stop_hub(self) -> None:
        # Including what a killed hub left behind: its proxy would occupy the port. Users' servers
        # keep running: the new hub finds them in its database.
        processes.end(list(self._processes("hub", "opendata")))

    def _processes(self, *roles: str) -> Iterator[psutil.Process]:
        return processes.of(self.runtime.state.root, *roles)
