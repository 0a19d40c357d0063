"""Users' servers as containers, isolated from each other, the host and the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from dockerspawner import DockerSpawner
from requests.exceptions import RequestException
from traitlets import default

from km3hub.spawning.container_state import end_in_words, filters
from km3hub.spawning.engine import NO_ENGINE
from km3hub.spawning.failure import StartError
from km3hub.spawning.home_name import home_name
from km3hub.spawning.homes import HomesError
from km3hub.spawning.listening import await_listening
from km3hub.spawning.networks import NetworkError, UserNetworks
from km3hub.spawning.options import Choice, choice_of
from km3hub.spawning.server import server_environment
from km3hub.spawning.shared import shared_mounts
from km3hub.spawning.steps import ProgressSteps
from km3hub.spawning.volumes import SHARED, UserVolumes
from km3settings.amounts import in_bytes
from km3settings.members import members
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.shared import shared_with

__all__ = ["ENGINE_TROUBLE", "PlatformDockerSpawner"]

#: Parallel calls to Docker. DockerSpawner's default is one, so that each waits for the slowest.
THREADS = 8
#: Open files per process. An engine in an unprivileged virtual machine cannot grant more than its
#: own limit, which may be 20000.
OPEN_FILES = 16384
#: The owner of homes, whose program the server is.
OWNER = "1000:1000"

#: The errors of calls to the engine.
ENGINE_TROUBLE = (DockerException, RequestException, OSError)


class PlatformDockerSpawner(ProgressSteps, DockerSpawner):
    """One container, one network and one home volume per user.

    The broker allows exactly this container: what is changed here must be changed in its
    `server.py`, too.

    `platform`, `runtime` and `turns` are set on a subclass by `configure.spawning`.
    """

    platform: Settings
    runtime: Runtime
    choice: Choice | None = None

    #: Why the server ended by itself, for the user; empty where it did not.
    last_end = ""
    #: The shared folders of the server that is being started.
    shared: tuple[str, ...] = ()
    #: The shared folders that the container has, as the engine reported it last.
    mounted: frozenset[str] = frozenset()
    #: The engine's identifier of the image; empty before it is known.
    image_id = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forget_steps()
        self._engine_answers = True

    @property
    def executor(self) -> ThreadPoolExecutor:
        """The thread pool for calls to Docker, shared by all users."""
        cls = PlatformDockerSpawner
        pool: ThreadPoolExecutor = cls._executor or ThreadPoolExecutor(
            THREADS, thread_name_prefix="docker"
        )
        cls._executor = pool
        return pool

    @property
    def names(self) -> Names:
        """Names of this project."""
        return Names(self.runtime.project)

    @property
    def networks(self) -> UserNetworks:
        """The users' networks."""
        return UserNetworks(
            client=self.client,
            names=self.names,
            pool=self.platform.spawner.network_pool,
            egress=self.platform.spawner.egress,
            services=members(self.platform, self.names),
        )

    @property
    def home_user(self) -> str:
        """The user's part of the home's name; another one for the next person with the name."""
        own = home_name(self.runtime.state, self.user.name).removeprefix(self.user.name)
        return str(self.escaped_name + own)

    @property
    def groups(self) -> list[str]:
        """The names of the user's groups now."""
        return [group.name for group in self.user.groups]

    @property
    def user_volumes(self) -> UserVolumes:
        """The volumes of this user."""

        async def create(name: str, labels: Mapping[str, str]) -> None:
            await self._run(partial(self.client.create_volume, name, labels=dict(labels)))

        return UserVolumes(
            self.platform,
            self.runtime,
            self.home_user,
            shared=self.shared,
            labels=self._labels(),
            create=create,
            release=self.remove_object,
        )

    def _object_name_default(self) -> str:
        return self.names.server(self.escaped_name)

    @default("network_name")
    def _network_name_default(self) -> str:
        return self.object_name

    # -- what is started ---------------------------------------------------------------------

    def _prepare(self) -> Choice:
        choice = self.choice or choice_of(self, self.user_options)
        self.choice = choice
        self.image = choice.environment.image
        self.mem_limit = choice.size.memory
        self.cpu_limit = choice.size.cpu
        self.object_name = self._object_name_default()
        # Once, so that what is prepared is what is mounted.
        self.shared = shared_with(self.platform.homes.shared, self.groups)
        self.volumes = dict(self.user_volumes.binds)
        self.extra_create_kwargs = self._create_options(choice)
        self.extra_host_config = self._host_options(choice)
        return choice

    def _labels(self) -> dict[str, str]:
        return {PROJECT_LABEL: self.runtime.project, USER_LABEL: self.user.name}

    def _create_options(self, choice: Choice) -> dict[str, Any]:
        return {
            "user": OWNER,
            "hostname": choice.environment.name,
            "labels": self._labels(),
            # The hub checks its servers itself. The image's health check is for starting it alone;
            # with 100 users it would cost a shell per user and minute.
            "healthcheck": {"test": ["NONE"]},
        }

    def _host_options(self, choice: Choice) -> dict[str, Any]:
        memory = in_bytes(choice.size.memory)
        return {
            # The hub, not the engine, removes a dead container, because its state says why it died.
            "auto_remove": False,
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": self.platform.spawner.pids,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            # In memory, which counts towards the user's limit; `exec` because pip builds there.
            "tmpfs": {
                "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={memory // 2}",  # noqa: S108
                "/var/tmp": "rw,noexec,nosuid,nodev,mode=1777,size=64m",  # noqa: S108
                "/run": "rw,noexec,nosuid,nodev,mode=1777,size=16m",
            },
            "shm_size": "256m",
            "ulimits": [{"name": "nofile", "soft": OPEN_FILES, "hard": OPEN_FILES}],
            "log_config": {
                "type": "json-file",
                "config": {"max-size": "5m", "max-file": "2"},
            },
        }

    def get_env(self) -> dict[str, str]:
        """Returns the environment of a user's server (README.md)."""
        environment: dict[str, str] = super().get_env()
        if self.choice:
            environment |= server_environment(self.platform, self.runtime, self.choice)
            environment["KM3_IMAGE"] = self.choice.environment.image
            # In a swarm the name ends with it.
            environment["KM3_IMAGE_DIGEST"] = self.image_id or self.image.partition("@")[2]
            if self.shared and self.runtime.homes:
                environment["KM3_SHARED"] = SHARED
            environment["MEM_LIMIT"] = str(in_bytes(self.choice.size.memory))
        return environment

    async def get_command(self) -> list[str] | None:
        """Returns None: the image's command, without asking the engine for it."""
        return None

    # -- start ------------------------------------------------------------------------------

    async def start(self) -> tuple[str, int]:
        """Start the user's container; return when its server is listening.

        Raises
        ------
        StartError
            With a sentence for the user where it cannot start.
        """
        self.forget_steps()
        self.last_end = ""
        choice = self._prepare()
        title = choice.environment.title
        try:
            async with self.my_turn(self.platform.site.contact):
                self.say(10, "Preparing your network and your home")
                # Wait for all of them: a network that is created after the clean-up would remain.
                outcomes = await asyncio.gather(*self._preparations(), return_exceptions=True)
                for trouble in filter(None, outcomes):
                    raise trouble
                memory = f"{choice.size.memory[:-1]} {choice.size.memory[-1]}B"
                self.say(40, f"Starting {title} with {memory} of memory")
                address: tuple[str, int] = await super().start()
                self.say(60, "Waiting for JupyterLab")
                await await_listening(
                    *address,
                    limit=self.platform.spawner.start_timeout,
                    contact=self.platform.site.contact,
                    require_alive=self._require_alive,
                )
        except NetworkError as error:
            raise self._trouble("Your network could not be created.", "network", error) from error
        except ENGINE_TROUBLE as error:
            if isinstance(error, APIError) and error.status_code not in NO_ENGINE:
                raise self._trouble(
                    "The container could not be started.", "container", error
                ) from error
            raise self._trouble(
                "The Docker Engine of this site is not responding.", "engine", error
            ) from error
        self.mounted = frozenset(self.shared)
        self.say(90, "Opening JupyterLab")
        return address

    def _preparations(self) -> tuple[Awaitable[Any], ...]:
        """Returns the preparations of a start, to be awaited in parallel."""
        return (
            self._require_firewall(),
            self._require_image(),
            self._run(self._provide_network),
            self._provide_volumes(),
        )

    def _trouble(self, sentence: str, reason: str, error: Exception) -> StartError:
        contact = self.platform.site.contact
        return StartError(
            f"{sentence} Please try again in a minute; if it fails again, tell {contact}.",
            reason=reason,
            log_message=f"{self.user.name}: {reason}: {error}",
        )

    async def _require_firewall(self) -> None:
        # Without the packet filter a user's server could reach the host.
        try:
            found = await self.docker("inspect_container", self.names.firewall)
        except NotFound:
            found = None
        if not found or not filters(found["State"]):
            raise self._trouble(
                "The packet filter that isolates servers is not active.",
                "firewall",
                RuntimeError(f"docker logs {self.names.firewall}"),
            )

    async def _require_image(self) -> None:
        try:
            self.image_id = (await self.docker("inspect_image", self.image))["Id"]
        except ImageNotFound as error:
            raise self._no_image(error) from error

    def _no_image(self, error: object) -> StartError:
        title = self.choice.environment.title if self.choice else self.image
        return StartError(
            f"The environment “{title}” is no longer installed on this machine."
            f" Choose another one, or tell {self.platform.site.contact}.",
            reason="image",
            log_message=f"image {self.image} is missing; build or pull it: {error}",
        )

    async def pull_image(self, image: str) -> None:
        """Nothing to do: only administrators build or pull images."""

    def _provide_network(self) -> None:
        self.networks.provide(self.network_name, number=self.user.id, user=self.user.name)

    async def _provide_volumes(self) -> None:
        try:
            uses = await self.user_volumes.provide(self.groups, self._say_copied)
        except HomesError as error:
            raise self._trouble(
                "Your home could not be made ready; your files are safe.", "home", error
            ) from error
        for use in uses:
            if use.note:
                self.log.warning("the %s of %s: %s", use.kind, self.user.name, use.note)

    def _say_copied(self, copied: int, whole: int) -> None:
        self.say(
            20,
            "Moving your files to a disk with limits, once:"
            f" {copied >> 20} of {max(whole >> 20, 1)} MB",
        )

    async def _run(self, function: Any, *args: Any) -> Any:
        return await asyncio.wrap_future(self.executor.submit(function, *args))

    async def get_url(self) -> str:
        """Returns the server's address from the engine, because the hub may have been restarted."""
        try:
            ip, port = await self.get_ip_and_port()
        except (*ENGINE_TROUBLE, LookupError) as error:
            self.log.warning("%s: address unknown: %s", self.object_name, error)
            return str(self.server.url)
        return f"http://{ip}:{port}{self.server.base_url}"

    async def get_ip_and_port(self) -> tuple[str, int]:
        """Returns the server's address in the user's network."""
        found = await self.docker("inspect_container", self.object_name)
        return found["NetworkSettings"]["Networks"][self.network_name]["IPAddress"], self.port

    async def _require_alive(self) -> None:
        found = await self.get_object()
        if found and found["State"]["Running"]:
            return
        why = end_in_words(found) if found else "It was removed."
        words = []
        if found:
            tail = await self.docker("logs", self.container_id, tail=20)
            words = tail.decode(errors="replace").strip().splitlines()
        last = f" Its last output: {words[-1][:200]}" if words else ""
        raise StartError(
            f"Your server stopped while it was starting. {why}{last}"
            f" If this happens again, tell {self.platform.site.contact}.",
            reason="died",
            log_message="\n  ".join([f"{self.container_name} died at start: {why}", *words]),
        )

    # -- life and end -----------------------------------------------------------------------

    async def get_object(self) -> dict[str, Any] | None:
        """Returns the inspected container; None only where the engine says that there is none."""
        try:
            found: dict[str, Any] = await self.docker("inspect_container", self.object_name)
        except NotFound:
            self.object_id, self.mounted = "", frozenset()
            return None
        self.object_id = found["Id"]
        self.mounted = shared_mounts(found, self.names)
        return found

    async def poll(self) -> int | str | None:
        """Returns None while the server is running, else why it is not.

        An engine that does not answer proves nothing: containers may outlive it, and nobody
        should lose a server for an engine that is being upgraded.
        """
        try:
            found = await self.get_object()
        except ENGINE_TROUBLE as error:
            if self._engine_answers:
                self.log.warning("The Docker Engine is not responding: %s", error)
            self._engine_answers = False
            return None
        self._engine_answers = True
        if not found:
            return 0
        state = found["State"]
        if state["Running"]:
            return None
        if state["Status"] == "created":
            return "The container was never started."
        self.last_end = end_in_words(found)
        return self.last_end

    async def remove_object(self) -> None:
        """Remove the container even if it is running, for example after a hub that died."""
        try:
            await self.docker("remove_container", self.object_name, v=True, force=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # being removed already
                raise

    async def run_post_stop_hook(self) -> None:
        """Remove what is left of the server; the home is kept."""
        try:
            await self.remove_object()
            await self._run(self.networks.remove, self.object_name)
        except ENGINE_TROUBLE as error:
            # The keeper removes it later.
            self.log.warning("%s could not be removed: %s", self.object_name, error)
        hook = super().run_post_stop_hook()
        if hook is not None:
            await hook
