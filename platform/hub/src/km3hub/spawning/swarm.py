"""Users' servers as services of a Docker Swarm, each on the machine with its user's home.

What a container of one machine gets (`docker.py`) is asked of the swarm as far as it has words for
it. It has none for `no-new-privileges` and for swap: the engines' own settings (role `docker`)
forbid new privileges, and machines of a swarm should have no swap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import (
    ContainerSpec,
    DriverConfig,
    EndpointSpec,
    Healthcheck,
    Mount,
    Placement,
    Resources,
    RestartPolicy,
    TaskTemplate,
)
from dockerspawner import SwarmSpawner
from jupyterhub.utils import exponential_backoff

from km3hub.spawning.docker import ENGINE_TROUBLE, OPEN_FILES, OWNER, PlatformDockerSpawner
from km3hub.spawning.failure import StartError
from km3hub.spawning.hosts import HOST_LABEL, Host, HostsFile, NoHost, known_hosts, pick
from km3hub.spawning.networks import UserOverlays
from km3hub.spawning.options import Choice
from km3hub.spawning.tasks import RUNNING, lives, newest
from km3hub.spawning.volumes import HOME
from km3settings.amounts import in_bytes
from km3settings.members import members
from km3settings.names import PROJECT_LABEL
from km3settings.waiting import wait_until

__all__ = ["PlatformSwarmSpawner", "service_spec"]

#: Seconds between two checks of a task that is starting or ending.
_INTERVAL = 0.2
#: Seconds that a task may take to end.
_END_SECONDS = 15.0


class PlatformSwarmSpawner(PlatformDockerSpawner, SwarmSpawner):
    """One service, one network over all machines and one home volume per user."""

    #: The machine of the current start.
    host: Host

    @property
    def networks(self) -> UserOverlays:
        """The users' networks."""
        return UserOverlays(
            client=self.client,
            names=self.names,
            pool=self.platform.spawner.network_pool,
            egress=self.platform.spawner.egress,
            services=members(self.platform, self.names),
        )

    @property
    def hosts_file(self) -> HostsFile:
        """The file with the machine of each home."""
        return HostsFile(self.runtime.state.hosts)

    # -- start ------------------------------------------------------------------------------

    def _preparations(self) -> tuple[Awaitable[Any], ...]:
        # Images and homes are on the machines; a missing image is reported when a task is refused.
        return self._find_host(), self._run(self._provide_network)

    async def _find_host(self) -> None:
        try:
            self.host = await self._run(self._pick)
        except NoHost as error:
            raise StartError(
                str(error), reason="host", log_message=f"{self.user.name}: {error}"
            ) from error
        await self._require_firewall()

    def _pick(self) -> Host:
        own = {"label": f"{PROJECT_LABEL}={self.runtime.project}"}
        used: Counter[str] = Counter()
        for service in self.client.services(filters=own):
            spec = service["Spec"]
            limits = (spec["TaskTemplate"].get("Resources") or {}).get("Limits") or {}
            used[spec["Labels"].get(HOST_LABEL, "")] += limits.get("MemoryBytes", 0)
        hosts = known_hosts(self.client.nodes())
        contact = self.platform.site.contact
        return pick(self.user.name, hosts, self.hosts_file, used, contact)

    async def _require_firewall(self) -> None:
        # As on one machine, the server's machine must have an active packet filter.
        wanted = {"service": self.names.filters, "node": self.host.node, "desired-state": RUNNING}
        try:
            tasks = await self.docker("tasks", filters=wanted)
        except NotFound:
            tasks = []
        if not any(task["Status"]["State"] == RUNNING for task in tasks):
            raise self._trouble(
                "The packet filter that isolates servers is not active.",
                "firewall",
                RuntimeError(
                    f"not on {self.host.name}: docker service ps {self.names.filters} says why"
                ),
            )

    async def create_object(self) -> dict[str, Any]:
        """Create the user's service."""
        spec = service_spec(
            self._prepare(),
            environment=self.get_env(),
            pids=self.platform.spawner.pids,
            network=self.network_name,
            host=self.host.name,
            home=self.names.home(self.home_user),
            labels=self._labels(),
        )
        created: dict[str, Any] = await self.docker(
            "create_service",
            name=self.object_name,
            labels=self._labels() | {HOST_LABEL: self.host.name},
            # Without virtual addresses, which need a kernel module and have no use here.
            endpoint_spec=EndpointSpec(mode="dnsrr"),
            **spec,
        )
        return created

    async def start_object(self) -> None:
        """Wait until the swarm has started the server's container.

        Raises
        ------
        StartError
            Where it cannot, or takes too long.
        """
        limit = self.platform.spawner.start_timeout
        try:
            await exponential_backoff(
                self._runs, "", timeout=limit, timeout_tolerance=0, max_wait=2 * _INTERVAL
            )
        except TimeoutError:
            task = await self._task()
            status = task["Status"] if task else {"State": "not there"}
            raise self._trouble(
                f"The container was not started within {limit} seconds.",
                "timeout",
                RuntimeError(status.get("Err") or f"the task is {status['State']}"),
            ) from None

    async def _runs(self) -> bool:
        """Returns whether the container runs; raises `StartError` if it never will."""
        task = await self._task()
        if task and task["Status"]["State"] == RUNNING:
            return True
        if task and not lives(task):
            await self._require_alive()
        return False

    async def get_ip_and_port(self) -> tuple[str, int]:
        """Returns the server's address in the user's network."""
        task = await self._task()
        for attachment in (task or {}).get("NetworksAttachments") or []:
            if attachment["Network"]["Spec"]["Name"] == self.network_name:
                return attachment["Addresses"][0].split("/")[0], self.port
        raise LookupError(f"{self.object_name} has no address in {self.network_name}")

    async def _require_alive(self) -> None:
        task = await self._task()
        if task and lives(task):
            return
        problem = task["Status"].get("Err", "") if task else ""
        if "No such image" in problem:
            raise self._no_image(problem)
        why = self._end_in_words(task) if task else "It was removed."
        raise StartError(
            f"Your server stopped while it was starting. {why}"
            f" If this happens again, tell {self.platform.site.contact}.",
            reason="died",
            log_message=f"{self.object_name} died at start: {why} {problem}\n  "
            + "\n  ".join(await self._last_words()),
        )

    async def _last_words(self) -> list[str]:
        try:
            problem = await self.docker(
                "service_logs", self.object_name, stdout=True, stderr=True, tail=20
            )
            return b"".join(problem).decode(errors="replace").strip().splitlines()
        except ENGINE_TROUBLE:
            return []

    # -- life and end -----------------------------------------------------------------------

    async def get_object(self) -> dict[str, Any] | None:
        """Returns the inspected service; None only where the swarm says that there is none."""
        try:
            found: dict[str, Any] = await self.docker("inspect_service", self.object_name)
        except NotFound:
            self.object_id = ""
            return None
        self.object_id = found["ID"]
        return found

    async def _task(self) -> Mapping[str, Any] | None:
        try:
            return newest(await self.docker("tasks", filters={"service": self.object_name}))
        except NotFound:
            return None

    async def poll(self) -> int | str | None:
        """Returns None while the server is running, else why it is not.

        A swarm that does not answer proves nothing. A machine that does not, for as long as the
        swarm waits before it calls it lost, ends the server: its container is stopped when the
        machine comes back.
        """
        try:
            task = await self._task()
            lost = bool(task) and await self._is_on_lost_host(task)
        except ENGINE_TROUBLE as error:
            if self._engine_answers:
                self.log.warning("The swarm is not responding: %s", error)
            self._engine_answers = False
            return None
        self._engine_answers = True
        if not task:
            return 0
        if lost:
            self.last_end = "Its machine stopped responding."
            return self.last_end
        if lives(task):
            return None
        self.last_end = self._end_in_words(task)
        return self.last_end

    async def _is_on_lost_host(self, task: Mapping[str, Any] | None) -> bool:
        node = (task or {}).get("NodeID")
        if not node:
            return False
        try:
            found = await self.docker("inspect_node", node)
        except NotFound:
            return True
        return bool(found["Status"]["State"] == "down")

    def _end_in_words(self, task: Mapping[str, Any]) -> str:
        """Returns why a task ended, for its user."""
        status = task["Status"]
        code = (status.get("ContainerStatus") or {}).get("ExitCode", 0)
        # The swarm does not report whether memory was the reason.
        if code == 137 and status["State"] == "failed":
            limit = task["Spec"]["Resources"]["Limits"]["MemoryBytes"] / 1024**2
            amount = f"{limit:.0f} MB" if limit < 1024 else f"{limit / 1024:.3g} GB"
            return f"It was killed, most likely because it exceeded its memory limit of {amount}."
        if status.get("Err") and not code:
            return f"The engine's message: {status['Err']}"
        return f"It ended with exit code {code}."

    async def remove_object(self) -> None:
        """Remove the service, and wait until its container has ended."""
        # There may be a container of this name from a time with only one machine.
        await super().remove_object()
        try:
            found = await self.docker("inspect_service", self.object_name)
            await self.docker("remove_service", self.object_name)
        except NotFound:
            return
        await self._run(self._await_end, found["ID"])

    def _await_end(self, service: str) -> None:
        # Until then the container uses the home. A lost machine never reports the end.
        if not wait_until(
            lambda: self._has_ended(service), seconds=_END_SECONDS, interval=_INTERVAL
        ):
            self.log.warning("%s: its container has not ended yet", self.object_name)

    def _has_ended(self, service: str) -> bool:
        lost = {n["ID"] for n in self.client.nodes() if n["Status"]["State"] == "down"}
        return not any(
            task["ServiceID"] == service and lives(task) and task.get("NodeID") not in lost
            for task in self.client.tasks()
        )

    async def run_post_stop_hook(self) -> None:
        """Remove what is left of the server; the home is kept."""
        try:
            await super().run_post_stop_hook()
        except APIError as error:
            # The keeper removes it later.
            self.log.warning("%s could not be removed: %s", self.object_name, error)


def service_spec(
    choice: Choice,
    *,
    environment: Mapping[str, str],
    pids: int,
    network: str,
    host: str,
    home: str,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the arguments of `create_service` for a user's server.

    Parameters
    ----------
    choice
        The environment and the size.
    environment
        The container's environment.
    pids
        Processes and threads that it may have.
    network
        The user's network.
    host
        The machine that it must run on.
    home
        The volume with the user's files.
    labels
        Of container and volume.
    """
    memory = in_bytes(choice.size.memory)
    container = ContainerSpec(
        image=choice.environment.image,
        env=dict(environment),
        hostname=choice.environment.name,
        user=OWNER,
        labels=dict(labels),
        read_only=True,
        cap_drop=["ALL"],
        healthcheck=Healthcheck(test=["NONE"]),
        mounts=[
            Mount(target=HOME, source=home, labels=dict(labels)),
            # In memory, which counts towards the user's limit. Unlike on one machine, programs
            # cannot be run from there: the swarm of Debian's engine has no option `exec`.
            _in_memory("/tmp", memory // 2),  # noqa: S108
            _in_memory("/var/tmp", 64 * 1024**2),  # noqa: S108
            _in_memory("/run", 16 * 1024**2),
            _in_memory("/dev/shm", 256 * 1024**2),  # noqa: S108
        ],
    )
    # The client has no parameters for these two.
    container["Ulimits"] = [{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}]
    resources = Resources(mem_limit=memory, cpu_limit=int(choice.size.cpu * 1e9))
    resources["Limits"]["Pids"] = pids
    return {
        "task_template": TaskTemplate(
            container,
            resources=resources,
            # The hub decides about a server that ended.
            restart_policy=RestartPolicy(condition="none"),
            placement=Placement(constraints=[f"node.labels.{HOST_LABEL} == {host}"]),
            networks=[network],
            log_driver=DriverConfig("json-file", {"max-size": "5m", "max-file": "2"}),
        )
    }


def _in_memory(target: str, size: int) -> Mount:
    return Mount(target=target, source=None, type="tmpfs", tmpfs_size=size, tmpfs_mode=0o1777)
