"""Users' servers as containers, shut off from each other, from the host and from the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from dockerspawner import DockerSpawner
from requests.exceptions import RequestException
from traitlets import default

from km3hub.spawning.failure import StartError
from km3hub.spawning.listening import await_listening
from km3hub.spawning.networks import NetworkError, UserNetworks
from km3hub.spawning.options import Choice, choose
from km3hub.spawning.server import server_environment
from km3hub.spawning.steps import ToldSteps
from km3hub.spawning.turns import Turns
from km3settings.amounts import in_bytes
from km3settings.members import members
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from km3settings.runtime import Runtime
from km3settings.settings import Settings

__all__ = ["ENGINE_TROUBLE", "PlatformDockerSpawner"]

#: Docker calls at once. DockerSpawner's own choice is one, so that each waits for the slowest.
THREADS = 8
#: Files that one process may hold open. An engine in a virtual machine of little privilege cannot
#: give more than it has itself, which may be 20000.
OPEN_FILES = 16384
#: Where the images keep a user's files, and who owns them there.
HOME = "/home/km3"
OWNER = "1000:1000"

#: What speaking to the engine may raise.
ENGINE_TROUBLE = (DockerException, RequestException, OSError)


class PlatformDockerSpawner(ToldSteps, DockerSpawner):
    """One container, one network and one home volume a user.

    `platform`, `runtime` and `turns` are set on a subclass by `configure.spawning`.
    """

    platform: Settings
    runtime: Runtime
    turns: Turns
    choice: Choice | None = None

    #: Why the server ended by itself, for the user; empty: it did not.
    last_end = ""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forget_steps()
        self._engine_answers = True

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for Docker's calls, one pool for all users."""
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

    def _object_name_default(self) -> str:
        return self.names.server(self.escaped_name)

    @default("network_name")
    def _network_name_default(self) -> str:
        return self.object_name

    # -- what is started ---------------------------------------------------------------------

    def _prepare(self) -> Choice:
        groups = [group.name for group in self.user.groups]
        choice = self.choice or choose(self.platform, groups, self.user_options)
        self.choice = choice
        self.image = choice.environment.image
        self.mem_limit = choice.size.memory
        self.cpu_limit = choice.size.cpu
        self.object_name = self._object_name_default()
        self.volumes = {self.names.home(self.escaped_name): HOME}
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
            # The hub looks itself whether a server lives; the image's own check is for those who
            # start it alone, and a shell a minute for each of 100 users is not free.
            "healthcheck": {"test": ["NONE"]},
        }

    def _host_options(self, choice: Choice) -> dict[str, Any]:
        memory = in_bytes(choice.size.memory)
        return {
            # The state of a container that died tells why, so the hub removes it, not the engine.
            "auto_remove": False,
            "mem_limit": memory,
            "memswap_limit": memory,
            "pids_limit": self.platform.spawner.pids,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "read_only": True,
            # In memory, and counted as the user's memory; `exec` because pip builds there.
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
        """The contract of a user's server (the package's README)."""
        environment: dict[str, str] = super().get_env()
        if self.choice:
            environment |= server_environment(self.platform, self.runtime, self.choice)
            environment["MEM_LIMIT"] = str(in_bytes(self.choice.size.memory))
        return environment

    async def get_command(self) -> list[str] | None:
        """None: the image's own command, without asking the engine for it first."""
        return None

    # -- start ------------------------------------------------------------------------------

    async def start(self) -> tuple[str, int]:
        """Start the user's container; returns when the server in it listens.

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
            async with self.turns.turn(self.say_turn):
                self.say(10, "Preparing your network and your home")
                # All to their end: a network that is made after the clean-up would stay.
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
            raise self._trouble("Your network could not be made.", "network", error) from error
        except ENGINE_TROUBLE as error:
            if isinstance(error, APIError):
                raise self._trouble(
                    "The container could not be started.", "container", error
                ) from error
            raise self._trouble(
                "The Docker Engine of this site does not answer.", "engine", error
            ) from error
        self.say(90, "Opening JupyterLab")
        return address

    def _preparations(self) -> tuple[Awaitable[Any], ...]:
        """What a start needs, each to be awaited beside the others."""
        return (
            self._require_firewall(),
            self._require_image(),
            self._run(self._provide_network),
            self._run(self._provide_home),
        )

    def _trouble(self, sentence: str, reason: str, error: Exception) -> StartError:
        contact = self.platform.site.contact
        return StartError(
            f"{sentence} Please try again in a minute; if it stays so, tell {contact}.",
            reason=reason,
            log_message=f"{self.user.name}: {reason}: {error}",
        )

    async def _require_firewall(self) -> None:
        # Without the packet filter a user's server could reach the host: no filter, no server.
        try:
            found = await self.docker("inspect_container", self.names.firewall)
        except NotFound:
            found = None
        if not found or not _filters(found["State"]):
            raise self._trouble(
                "The packet filter that shields servers from each other is not in place.",
                "firewall",
                RuntimeError(f"docker logs {self.names.firewall}"),
            )

    async def _require_image(self) -> None:
        try:
            await self.docker("inspect_image", self.image)
        except ImageNotFound as error:
            raise self._no_image(error) from error

    def _no_image(self, error: object) -> StartError:
        title = self.choice.environment.title if self.choice else self.image
        return StartError(
            f"The environment “{title}” is not installed any more on this machine."
            f" Choose another one, or tell {self.platform.site.contact}.",
            reason="image",
            log_message=f"image {self.image} is missing; build or pull it: {error}",
        )

    async def pull_image(self, image: str) -> None:
        """Nothing to do: images are only ever built or pulled by the administrator."""

    def _provide_network(self) -> None:
        self.networks.provide(self.network_name, number=self.user.id, user=self.user.name)

    def _provide_home(self) -> None:
        self.client.create_volume(self.names.home(self.escaped_name), labels=self._labels())

    async def _run(self, function: Any, *args: Any) -> Any:
        return await asyncio.wrap_future(self.executor.submit(function, *args))

    async def get_url(self) -> str:
        """Where the server listens, asked of the engine: the hub may have died before it knew."""
        try:
            ip, port = await self.get_ip_and_port()
        except (*ENGINE_TROUBLE, LookupError) as error:
            self.log.warning("%s: address unknown: %s", self.object_name, error)
            return str(self.server.url)
        return f"http://{ip}:{port}{self.server.base_url}"

    async def get_ip_and_port(self) -> tuple[str, int]:
        """The server's address in its user's network."""
        found = await self.docker("inspect_container", self.object_name)
        return found["NetworkSettings"]["Networks"][self.network_name]["IPAddress"], self.port

    async def _require_alive(self) -> None:
        found = await self.get_object()
        if found and found["State"]["Running"]:
            return
        why = _end_in_words(found) if found else "It was removed."
        words = []
        if found:
            tail = await self.docker("logs", self.container_id, tail=20)
            words = tail.decode(errors="replace").strip().splitlines()
        last = f" Its last words: {words[-1][:200]}" if words else ""
        raise StartError(
            f"Your server stopped while it was starting. {why}{last}"
            f" If this happens again, tell {self.platform.site.contact}.",
            reason="died",
            log_message="\n  ".join([f"{self.container_name} died at start: {why}", *words]),
        )

    # -- life and end -----------------------------------------------------------------------

    async def get_object(self) -> dict[str, Any] | None:
        """The container as inspected; None only where the engine says that there is none."""
        try:
            found: dict[str, Any] = await self.docker("inspect_container", self.object_name)
        except NotFound:
            self.object_id = ""
            return None
        self.object_id = found["Id"]
        return found

    async def poll(self) -> int | str | None:
        """None while the server runs, else why it does not.

        An engine that does not answer proves nothing: containers may outlive it, and nobody
        should lose a server for an engine that is being upgraded.
        """
        try:
            found = await self.get_object()
        except ENGINE_TROUBLE as error:
            if self._engine_answers:
                self.log.warning("The Docker Engine does not answer: %s", error)
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
        self.last_end = _end_in_words(found)
        return self.last_end

    async def remove_object(self) -> None:
        """Remove the container even if it still runs, as after a hub that died during a start."""
        try:
            await self.docker("remove_container", self.object_name, v=True, force=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # being removed already
                raise

    async def run_post_stop_hook(self) -> None:
        """Remove what is left of the server, however it ended; the home stays."""
        try:
            await self.remove_object()
            await self._run(self.networks.remove, self.object_name)
        except ENGINE_TROUBLE as error:
            # The keeper removes it later.
            self.log.warning("%s could not be removed: %s", self.object_name, error)
        hook = super().run_post_stop_hook()
        if hook is not None:
            await hook


def _filters(state: dict[str, Any]) -> bool:
    """Whether the firewall's container, in this state, has its rules in place.

    Its first health check comes half a minute after its start. Before that it has its rules if it
    has lived for a second: it ends at once where it cannot write them.
    """
    if not state["Running"] or state.get("Restarting"):
        return False
    if state["Health"]["Status"] == "starting":
        age = datetime.now(UTC) - datetime.fromisoformat(state["StartedAt"][:19] + "+00:00")
        return age > timedelta(seconds=2)
    return bool(state["Health"]["Status"] == "healthy")


def _end_in_words(container: dict[str, Any]) -> str:
    """Why a container (as inspected) ended, for its user."""
    state = container["State"]
    # The engine raises the flag for any process in the container; 137 says that it was the server.
    if state.get("OOMKilled") and state["ExitCode"] == 137:
        limit = container["HostConfig"]["Memory"] / 1024**2
        amount = f"{limit:.0f} MB" if limit < 1024 else f"{limit / 1024:.3g} GB"
        return f"It needed more memory than the {amount} that its size allows."
    if state.get("Error"):
        return f"The engine said: {state['Error']}"
    return f"It ended with the exit code {state['ExitCode']}."
