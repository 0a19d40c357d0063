"""The platform in containers: `make up` and `make down` where a Docker Engine answers."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import docker
import httpx
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from km3settings.compose import compose_environment
from km3settings.entrance import Entrance
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3up.backend import Service, Started
from km3up.command import attempt
from km3up.compose import Compose, engine_answers
from km3up.engine import (
    delete_volumes,
    engine,
    engine_socket,
    remove_user_networks,
    volumes,
)
from km3up.failure import Failure
from km3up.hub import HubProgram, still_as_started
from km3up.images import has_image, name_of, outdated, provide
from km3up.in_force import InForce, changed_keys, refuse_other_path
from km3up.provider import by_provider, client_secret
from km3up.waiting import wait_until

__all__ = ["Containers"]

#: Seconds until the hub must answer.
START_LIMIT = 120
#: Seconds that a restarted hub may take to find the users' servers.
SERVERS_LIMIT = 60
#: Seconds until the packet filter must be in place.
FIREWALL_LIMIT = 20
#: A hub that was restarted more often than this will never start.
MOST_RESTARTS = 2
#: Seconds that a user's server has to end by itself.
STOP_LIMIT = 10
#: Access for others: the images' user has uid 1000, which may not own the files.
_OTHERS_READ, _OTHERS_ENTER = stat.S_IROTH, stat.S_IXOTH


class Containers:
    """Starts and stops the platform in containers.

    Parameters
    ----------
    root
        The checkout.
    runtime
        Port, project and state folder; the state folder keeps the secrets that containers share.
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
        self.names = Names(runtime.project)
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """The Docker Engine.

        Raises
        ------
        Failure
            Where none answers.
        """
        if self._client is None:
            self._client = engine()
        return self._client

    def up(self, settings: Settings) -> Started:
        """Build what is missing, start what is not running, create the first accounts.

        Raises
        ------
        Failure
            Where an image cannot be built, the port is taken, or the hub does not come up.
        """
        self._require_readable_settings()
        secret = client_secret(settings, self.settings_file)
        provide(self.client, self.root, settings, self.say)
        port = self._published_port()
        before = self._identity()
        kept = InForce.kept(self.runtime.state)
        if kept and any(server.status == "running" for server in self._servers()):
            refuse_other_path(kept.settings, settings)
        changes = self._changes(settings) if before else []
        if port is None:
            port = self.runtime.port
            self._require_free(port, "login page")
        portal = self._portal(settings, port)
        if portal.runs_here and portal.port == port:
            raise Failure(
                f"services.opendata.port: {port} is already the login page's port; choose another"
                f" one in {self.settings_file}"
            )
        if not portal.runs_here:
            self._remove_portal()
        elif portal.port not in self._ports(self.names.opendata):
            self._require_free(portal.port, "Open Data Center")
        compose = self._compose(port, settings)
        if not before:
            self.say("Starting packet filter, hub and proxy")
        elif changes:
            self.say("Applying changes")
        self._compose_up(compose)
        self._await_firewall()
        entrance = self._entrance(settings, port)
        self._await_hub(entrance.hub)
        if changes:
            self._hub.await_servers(SERVERS_LIMIT)
        # `km3hub accounts` on this machine reads this.
        (self.runtime.state.run / "hub-container").write_text(self.names.hub)
        if secret:
            self._hub.keep_secret(secret)
        new_accounts = not by_provider(settings) and self._hub.make_first_accounts(
            self.runtime.state
        )
        homes = self.names.home("NAME")
        data = f"Docker volumes {homes} (homes), {self.names.state} (accounts, database)"
        portal_service = self.status(settings).get("Open Data")
        if portal_service:
            data += f", {self.names.opendata} (open data)"
        started = Started(entrance.local, data, new_accounts, bool(before), portal_service)
        InForce.now(self.root, settings).keep(self.runtime.state)
        notes = self._notes(settings, changed=bool(changes))
        return replace(started, applied=tuple(changes), notes=notes)

    def _changes(self, settings: Settings) -> list[str]:
        """Returns what restarting the containers will apply."""
        state = self.runtime.state
        now, kept = InForce.now(self.root, settings), InForce.kept(state)
        # The code is in the images, not in the checkout.
        found = changed_keys(kept.settings, now.settings) if kept else []
        services = ("hub", "proxy", *(["opendata"] if settings.services.opendata.enabled else []))
        for service in services:
            container = self._container(getattr(self.names, service))
            image = name_of(service)
            if container and container.attrs["Image"] != self.client.images.get(image).id:
                found.append(f"the image {image}")
        return found

    def _notes(self, settings: Settings, *, changed: bool) -> tuple[str, ...]:
        """Returns what was not applied, and how to apply it."""
        notes = []
        servers = [server for server in self._servers() if server.status == "running"]
        images = {self.client.images.get(e.image).id for e in settings.environments}
        if servers and (changed or any(s.attrs["Image"] not in images for s in servers)):
            notes.append(still_as_started(len(servers)))
        names = outdated(self.root, settings)
        if names:
            these = " ".join(names)
            notes.append(
                f"images older than this checkout: {', '.join(names)}. To update them:"
                f' make images IMAGES="{these}", then make up'
            )
        return tuple(notes)

    def status(self, settings: Settings) -> dict[str, Service]:
        """Returns the services by their display names."""
        port = self._published_port() or self.runtime.port
        entrance = self._entrance(settings, port)
        portal = self._portal(settings, port)
        found = {"Hub": Service(entrance.local, _answers(f"{entrance.hub}/health"))}
        if portal.runs_here:
            answers = _answers(f"{portal.local_address}/health")
            found["Open Data"] = Service(portal.for_people or portal.local_address, answers)
        return found

    def _entrance(self, settings: Settings, port: int) -> Entrance:
        return Entrance(settings, replace(self.runtime, port=port))

    def _portal(self, settings: Settings, port: int) -> Portal:
        return Portal(settings, replace(self.runtime, port=port))

    def _remove_portal(self) -> None:
        """Remove a portal that was disabled; its volume is kept."""
        container = self._container(self.names.opendata)
        if container:
            self.say("Stopping the Open Data Center")
            container.stop(timeout=STOP_LIMIT)
            container.remove(force=True)

    def down(self) -> bool:
        """Stop users' servers, hub and proxy; return whether any was running. Volumes are kept."""
        ran = self.runs()
        hub = self._container(self.names.hub)
        if hub:
            self.say("Stopping the hub")
            hub.stop(timeout=STOP_LIMIT)
        servers = self._servers()
        if servers:
            self.say(f"Stopping {len(servers)} users' servers")
            self._remove_servers(servers)
        remove_user_networks(self.client, self.runtime.project)
        if not ran and not self._container(self.names.net):
            return False
        self._compose(0, Settings()).run(
            "down", "--remove-orphans", problem="The containers could not be stopped:"
        )
        self._remove_rules()
        return ran

    def runs(self) -> bool:
        """Returns whether any part of it is running."""
        names = (self.names.net, self.names.hub, self.names.proxy)
        found = [self._container(name) for name in names]
        return any(c is not None and c.status in ("running", "restarting") for c in found)

    def belongings(self) -> list[str]:
        """Returns the project's volumes; none where no engine answers."""
        return [f"Docker volume {name}" for name in self._volumes()]

    def clean(self) -> None:
        """Delete the project's volumes permanently."""
        delete_volumes(self._volumes())

    def _volumes(self) -> list[str]:
        return volumes(self.runtime.project) if engine_answers() else []

    # -- before the start --------------------------------------------------------------------

    def _require_readable_settings(self) -> None:
        folder, file = self.settings_file.parent, self.settings_file
        needed = _OTHERS_READ | _OTHERS_ENTER
        if folder.stat().st_mode & needed != needed or not file.stat().st_mode & _OTHERS_READ:
            raise Failure(
                f"The hub's container cannot read {file}. To allow it:"
                f" chmod o+rx '{folder}' && chmod o+r '{file}'"
            )

    def _require_free(self, port: int, what: str) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise Failure(
                    f"Port {port} ({what}) is in use by another program. Choose another one:"
                    f" make up PORT={self.runtime.port + 1000}"
                ) from None

    # -- compose -----------------------------------------------------------------------------

    def _compose(self, port: int, settings: Settings) -> Compose:
        socket_file = engine_socket()
        variables = {
            **compose_environment(settings, replace(self.runtime, port=port)),
            "KM3_CONFIG": str(self.settings_file.parent),
            "KM3_CONFIG_NAME": self.settings_file.name,
            "KM3_DOCKER_SOCKET": str(socket_file),
            "KM3_DOCKER_GROUP": str(socket_file.stat().st_gid),
            "KM3_PROXY_TOKEN": self.runtime.state.secret("proxy"),
        }
        return Compose(
            file=self.root / "docker-compose.yml",
            project=self.runtime.project,
            variables=variables,
        )

    def _compose_up(self, compose: Compose) -> None:
        problem = "The containers could not be started:"
        compose.run("up", "--detach", "--remove-orphans", problem=problem)
        net = self.client.containers.get(self.names.net)
        dependants = {"hub": self.names.hub, "proxy": self.names.proxy}
        for service, name in dependants.items():
            mode = self.client.containers.get(name).attrs["HostConfig"]["NetworkMode"]
            # Compose 1.29 recreates `net` without the containers in its namespace.
            if mode != f"container:{net.id}":
                compose.run(
                    "up", "--detach", "--no-deps", "--force-recreate", service, problem=problem
                )

    # -- after the start ---------------------------------------------------------------------

    def _await_firewall(self) -> None:
        if not wait_until(self._firewall_works, seconds=FIREWALL_LIMIT):
            raise Failure(
                "The packet filter that shields users' servers could not be installed:\n  "
                + self._last_words(self.names.firewall)
                + "\nThe kernel needs nftables (nft_fib_inet). Without containers: make up"
                " MODE=embedded"
            )

    def _firewall_works(self) -> bool:
        firewall = self._container(self.names.firewall)
        if firewall is None or firewall.status != "running":
            return False
        try:
            return bool(firewall.exec_run(["km3-firewall", "check"]).exit_code == 0)
        except APIError:  # it ended between the two calls
            return False

    def _await_hub(self, pages: str) -> None:
        """Wait until the hub answers, or has failed to start several times."""

        def given_up() -> bool:
            hub = self._container(self.names.hub)
            return hub is None or hub.attrs.get("RestartCount", 0) > MOST_RESTARTS

        health = f"{pages}/health"
        wait_until(lambda: _answers(health) or given_up(), seconds=START_LIMIT)
        if not _answers(health):
            raise Failure(
                "The hub did not start. The last lines of its log:\n  "
                + self._last_words(self.names.hub)
                + f"\nThe whole log: docker logs {self.names.hub}"
            )

    def _last_words(self, name: str) -> str:
        container = self._container(name)
        if container is None:
            return f"there is no container {name}"
        words = container.logs(tail=8).decode(errors="replace").strip()
        return words.replace("\n", "\n  ") or "(nothing was logged)"

    @property
    def _hub(self) -> HubProgram:
        return HubProgram(command=["docker", "exec", "-i", self.names.hub, "km3hub"])

    # -- what is there -----------------------------------------------------------------------

    def _container(self, name: str) -> Container | None:
        try:
            return self.client.containers.get(name)
        except NotFound:
            return None

    def _identity(self) -> tuple[str, ...]:
        """Returns which hub and proxy are running, and since when; empty where one is not."""
        found = [self._container(n) for n in (self.names.net, self.names.hub, self.names.proxy)]
        if any(c is None or c.status != "running" for c in found):
            return ()
        return tuple(f"{c.id} {c.attrs['State']['StartedAt']}" for c in found if c)

    def _published_port(self) -> int | None:
        """Returns the running platform's port, which a second start keeps."""
        return next(iter(self._ports(self.names.net)), None)

    def _ports(self, name: str) -> list[int]:
        """Returns the ports of this machine that are published for a running container."""
        container = self._container(name)
        if container is None or container.status != "running":
            return []
        return [int(end["HostPort"]) for bound in container.ports.values() for end in bound or ()]

    def _servers(self) -> list[Container]:
        label = [f"{PROJECT_LABEL}={self.runtime.project}", USER_LABEL]
        found: list[Container] = self.client.containers.list(all=True, filters={"label": label})
        return found

    def _remove_servers(self, servers: Iterable[Container]) -> None:
        names = [str(server.name) for server in servers]
        # The command stops all of them in parallel, the library one by one.
        attempt(["docker", "stop", "--time", str(STOP_LIMIT), *names])
        attempt(["docker", "rm", "--force", "--volumes", *names])

    def _remove_rules(self) -> None:
        image = name_of("firewall")
        if not has_image(self.client, image):
            return
        self.client.containers.run(
            image,
            ["remove"],
            environment={"KM3_BRIDGES": self.names.bridges},
            network_mode="host",
            cap_drop=["ALL"],
            cap_add=["NET_ADMIN"],
            remove=True,
        )


def _answers(address: str) -> bool:
    try:
        # Never by the proxy of the machine's network, which does not lead to loopback.
        return httpx.get(address, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
