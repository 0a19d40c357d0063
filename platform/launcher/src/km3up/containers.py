"""The platform in containers: `make up` and `make down` where a Docker Engine answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docker

from km3settings.compose import compose_environment
from km3settings.disks import HomesChoice
from km3settings.entrance import Entrance
from km3settings.names import Names
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.wildcard import decide, shared_origins
from km3up.backend import Service, Started
from km3up.compose import Compose, engine_answers
from km3up.engine import (
    delete_volumes,
    engine,
    engine_socket,
    remove_socket_volume,
    remove_user_networks,
    volumes,
)
from km3up.failure import Failure
from km3up.homes import HomesLimits
from km3up.hub import HubProgram, still_as_started
from km3up.images import name_of, outdated, provide
from km3up.in_force import InForce, changed_keys, refuse_other_path
from km3up.preconditions import require_free, require_readable
from km3up.project import STOP_LIMIT, ProjectContainers
from km3up.provider import by_provider, client_secret
from km3up.readiness import Readiness, answers

__all__ = ["Containers"]

#: Seconds that a restarted hub may take to find the users' servers.
SERVERS_LIMIT = 60


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
            If none answers.
        """
        if self._client is None:
            self._client = engine()
        return self._client

    @property
    def _containers(self) -> ProjectContainers:
        return ProjectContainers(self.client, self.names, self.say)

    def up(self, settings: Settings) -> Started:
        """Build what is missing, start what is not running, create the first accounts.

        Raises
        ------
        Failure
            If an image cannot be built, the port is taken, or the hub does not come up.
        """
        require_readable(self.settings_file)
        secret = client_secret(settings, self.settings_file)
        self.runtime = decide(settings, self.runtime)
        homes = self._homes.choose(settings)
        provide(self.client, self.root, settings, self.say)
        ran_before = self._containers.all_run
        kept = InForce.kept(self.runtime.state)
        if kept and self._containers.running_servers():
            refuse_other_path(kept.settings, settings)
        changes = self._changes(settings) if ran_before else []
        port = self._port(settings)
        self._remove_unwanted(self._portal(settings, port), homes)
        compose = self._compose(port, settings, homes)
        if not ran_before:
            self.say("Starting packet filter, broker, hub and proxy")
        elif changes:
            self.say("Applying changes")
        self._compose_up(compose)
        readiness = Readiness(self._containers, self.names)
        readiness.await_firewall()
        entrance = self._entrance(settings, port)
        readiness.await_hub(entrance.hub)
        if homes:
            readiness.await_homes()
        if changes:
            self._hub.await_servers(SERVERS_LIMIT)
        # `km3hub accounts` on this machine reads this.
        (self.runtime.state.run / "hub-container").write_text(self.names.hub)
        if secret:
            self._hub.keep_secret(secret)
        new_accounts = not by_provider(settings) and self._hub.make_first_accounts(
            self.runtime.state
        )
        portal = self.status(settings).get("Open Data")
        self._homes.keep(homes)
        InForce.now(self.root, settings, self.runtime).keep(self.runtime.state)
        return Started(
            entrance.address,
            self._data(portal),
            new_accounts,
            ran_before,
            homes=homes.sentence if homes else "",
            portal=portal,
            applied=tuple(changes),
            notes=self._notes(settings, changed=bool(changes)),
        )

    def _port(self, settings: Settings) -> int:
        """Returns the login page's port: that of the running platform, or a free one."""
        port = self._containers.published_port
        if port is None:
            port = self.runtime.port
            require_free(port, "login page", instead=port + 1000)
        portal = self._portal(settings, port)
        if not portal.runs_here:
            return port
        if portal.port == port:
            raise Failure(
                f"services.opendata.port: {port} is already the login page's port; choose another"
                f" one in {self.settings_file}"
            )
        if portal.port not in self._containers.ports(self.names.opendata):
            require_free(portal.port, "Open Data Center", instead=port + 1000)
        return port

    def _remove_unwanted(self, portal: Portal, homes: HomesChoice | None) -> None:
        if not portal.runs_here:
            self._containers.remove(self.names.opendata, "the Open Data Center")
        if homes is None:
            self._containers.remove(self.names.homes, "the service for homes")

    def _data(self, portal: Service | None) -> str:
        """Returns where the data are kept, as a sentence."""
        homes, state = f"{self.names.home('NAME')} (homes)", self.names.state
        data = f"Docker volumes {homes}, {state} (accounts, database)"
        return f"{data}, {self.names.opendata} (open data)" if portal else data

    def _changes(self, settings: Settings) -> list[str]:
        """Returns what restarting the containers will apply."""
        state = self.runtime.state
        now = InForce.now(self.root, settings, self.runtime)
        kept = InForce.kept(state)
        # The code is in the images, not in the checkout.
        found = changed_keys(kept.settings, now.settings) if kept else []
        # The service `homes` applies these by itself.
        found = [key for key in found if key not in HomesLimits.APPLIED]
        if kept and kept.origins != now.origins:
            found.append("users' host names")
        portal = ["opendata"] if settings.services.opendata.enabled else []
        homes = ["homes"] if settings.homes.needs_service else []
        services = ("hub", "proxy", "broker", *homes, *portal)
        for service in services:
            container = self._containers.find(getattr(self.names, service))
            image = name_of(service)
            if container and container.attrs["Image"] != self.client.images.get(image).id:
                found.append(f"the image {image}")
        return found

    def _notes(self, settings: Settings, *, changed: bool) -> tuple[str, ...]:
        """Returns what was not applied, and how to apply it."""
        notes = shared_origins(settings, self.runtime)
        servers = self._containers.running_servers()
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
        port = self._containers.published_port or self.runtime.port
        entrance = self._entrance(settings, port)
        portal = self._portal(settings, port)
        found = {"Hub": Service(entrance.address, answers(f"{entrance.hub}/health"))}
        if portal.runs_here:
            found["Open Data"] = Service(
                portal.for_people or portal.local_address,
                answers(f"{portal.local_address}/health"),
            )
        return found

    def _entrance(self, settings: Settings, port: int) -> Entrance:
        return Entrance(settings, replace(self.runtime, port=port))

    def _portal(self, settings: Settings, port: int) -> Portal:
        return Portal(settings, replace(self.runtime, port=port))

    def down(self) -> bool:
        """Stop users' servers, hub and proxy; return whether any was running. Volumes are kept."""
        ran = self.runs()
        hub = self._containers.find(self.names.hub)
        if hub:
            self.say("Stopping the hub")
            hub.stop(timeout=STOP_LIMIT)
        self._containers.remove_servers()
        self._containers.remove(self.names.homes, "the service for homes")
        remove_user_networks(self.client, self.runtime.project)
        if not ran and not self._containers.find(self.names.net):
            return False
        self._compose(0, Settings()).run(
            "down", "--remove-orphans", problem="The containers could not be stopped:"
        )
        for name in (self.names.broker, self.names.homes):
            remove_socket_volume(self.client, name)
        self._containers.remove_packet_filter()
        return ran

    def runs(self) -> bool:
        """Returns whether any part of it is running."""
        return self._containers.any_runs

    def belongings(self) -> list[str]:
        """Returns the project's volumes; none where no engine answers."""
        return [f"Docker volume {name}" for name in self._volumes()]

    def clean(self) -> None:
        """Delete the project's volumes permanently."""
        if names := self._volumes():
            self._homes.remove()
            delete_volumes(names)

    @property
    def _homes(self) -> HomesLimits:
        return HomesLimits(self.client, self.runtime.state, self.names)

    def _volumes(self) -> list[str]:
        return volumes(self.runtime.project) if engine_answers() else []

    # -- compose -----------------------------------------------------------------------------

    def _compose(self, port: int, settings: Settings, homes: HomesChoice | None = None) -> Compose:
        socket_file = engine_socket()
        variables = {
            **compose_environment(settings, replace(self.runtime, port=port), homes),
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

    @property
    def _hub(self) -> HubProgram:
        return HubProgram(command=["docker", "exec", "-i", self.names.hub, "km3hub"])
