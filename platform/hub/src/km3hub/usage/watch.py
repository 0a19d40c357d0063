"""Checks all running servers once a minute: counts usage, enforces quotas, raises alerts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

from jupyterhub import orm
from prometheus_client import Counter, Gauge

from km3hub.usage.balance import Balance, balance
from km3hub.usage.ledger import Ledger, LedgerError, RunningServer, Sample
from km3hub.usage.measure import Measure
from km3hub.usage.meter import Pass, count
from km3hub.usage.pause import PauseFile
from km3hub.usage.period import first_day, months_before
from km3settings.settings import Settings

__all__ = ["PERIOD", "Alert", "UsageWatch"]

log = logging.getLogger("jupyterhub.km3hub.usage")

#: Seconds between two passes.
PERIOD = 60.0
#: Seconds between two measurements of all homes.
HOMES = 6 * 3600.0

SERVERS = Counter("km3net_server_seconds", "Time that users' servers were running")
CPU = Counter("km3net_cpu_seconds", "Processor time that users' servers used")
USERS = Gauge("km3net_users", "Users whose server ran today or in this month", ["span"])
HOMES_BYTES = Gauge("km3net_homes_bytes", "Size of all homes at the last measurement")
PAUSED = Gauge("km3net_spawning_paused", "1 while no new servers are started (km3hub pause)")
SUSPICIOUS = Gauge(
    "km3net_suspicious_servers", "Servers that used all their cores while no kernel was busy"
)


@dataclass(frozen=True)
class Alert:
    """A server that an administrator should look at."""

    user: str
    server: str
    hours: float
    """For how long it has used all its cores while no kernel was busy."""


@dataclass
class UsageWatch:
    """The passes, and what the pages and the API ask about usage.

    Parameters
    ----------
    ledger
        Where usage is kept.
    settings
        The settings.
    pause
        The spawn switch.
    measure
        Measures one server.
    homes
        Returns the size of each user's home in bytes; runs in a thread.
    hub
        Returns the running JupyterHub.
    """

    ledger: Ledger
    settings: Settings
    pause: PauseFile
    measure: Measure
    homes: Callable[[], dict[str, int]]
    hub: Callable[[], Any]
    clock: Callable[[], float] = time.time
    running: list[RunningServer] = field(default_factory=list)
    """The servers of the last pass."""
    _alerted: set[str] = field(default_factory=set)
    _failed: str = ""
    _homes_measured: float = float("-inf")
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Start, once. The tasks are kept here because the loop has only weak references."""
        if not self._tasks:
            self.ledger.set_aside_if_broken()
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._run()), loop.create_task(self._keep_house())]

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.count()
            except LedgerError as error:
                self._report(str(error))
            except Exception:  # one bad pass must not end the others
                log.exception("counting the usage failed")
            else:
                self._failed = ""

    def _report(self, trouble: str) -> None:
        # Not every minute: a full disk may stay full for days.
        if trouble != self._failed:
            log.error("usage is not counted at the moment: %s", trouble)
        self._failed = trouble

    async def count(self) -> None:
        """Make one pass.

        Raises
        ------
        LedgerError
            If the ledger cannot be used.
        """
        samples = await asyncio.gather(
            *(self._sample(user, name, spawner) for user, name, spawner in self._servers())
        )
        result = count(self.ledger, [s for s in samples if s], self.clock())
        self.running = result.running
        self._export(result)
        self._alert()
        await self._end_quotas()

    def _servers(self) -> Iterator[tuple[Any, str, Any]]:
        for user in list(self.hub().users.values()):
            for name, spawner in list(user.spawners.items()):
                if spawner.ready:
                    yield user, name, spawner

    async def _sample(self, user: Any, name: str, spawner: Any) -> tuple[Sample, float] | None:
        try:
            found = await asyncio.wait_for(self.measure(spawner), PERIOD / 2)
        except Exception as error:  # the engine does not answer, or the server has just ended
            log.warning("the server of %s was not measured: %s", user.name, error)
            return None
        if found is None:
            return None
        identity, seconds = found
        sample = Sample(
            user=user.name,
            name=name,
            identity=identity,
            cpu_seconds=seconds,
            started=_seconds(spawner.orm_spawner.started, self.clock()),
        )
        return sample, self._cores(spawner)

    def _cores(self, spawner: Any) -> float:
        chosen = (spawner.orm_spawner.user_options or {}).get("size")
        sizes = self.settings.sizes
        return next((size.cpu for size in sizes if size.name == chosen), sizes[0].cpu)

    def _export(self, result: Pass) -> None:
        SERVERS.inc(result.server_seconds)
        CPU.inc(result.cpu_seconds)
        today = first_day("day", self.clock())
        USERS.labels("day").set(self.ledger.total(f"{today:%Y-%m-%d}").users)
        USERS.labels("month").set(self.ledger.total(f"{today:%Y-%m}").users)
        PAUSED.set(int(self.pause.read() is not None))
        SUSPICIOUS.set(len(self.alerts()))

    # -- misuse -------------------------------------------------------------------------------

    def alerts(self) -> list[Alert]:
        """Returns the suspicious servers, the longest first."""
        limit = self.settings.usage.alert_hours
        found = [
            Alert(server.user, server.name, (server.seen - server.full_since) / 3600)
            for server in self.running
            if server.full_since is not None
        ]
        found = [alert for alert in found if limit and alert.hours >= limit]
        return sorted(found, key=lambda alert: -alert.hours)

    def _alert(self) -> None:
        alerts = {f"{alert.user}/{alert.server}": alert for alert in self.alerts()}
        for name, alert in alerts.items():
            if name not in self._alerted:
                log.warning(
                    "the server of %s has used all its cores for %.1f hours while no kernel was"
                    " busy; it may be misused, for example to mine a cryptocurrency",
                    alert.user,
                    alert.hours,
                )
        self._alerted = set(alerts)

    # -- quotas -------------------------------------------------------------------------------

    def balance(self, user: Any) -> Balance | None:
        """Returns what remains of a user's quota; None: no quota, or it cannot be read.

        Parameters
        ----------
        user
            The hub's user. Administrators have no quota.
        """
        if user is None or user.admin or not self.settings.usage.quotas:
            return None
        try:
            return balance(
                self.ledger,
                self.settings.usage,
                user.name,
                [group.name for group in user.groups],
                members=self._members,
                now=self.clock(),
            )
        except LedgerError as error:
            # Nobody is kept from work by a ledger that cannot be read.
            self._report(str(error))
            return None

    def _members(self, groups: Collection[str]) -> set[str]:
        named = orm.Group.name.in_(groups)
        found: Iterable[Any] = self.hub().db.query(orm.Group).filter(named)
        return {user.name for group in found for user in group.users}

    def stops_at(self, user: str) -> float | None:
        """Returns when a user's server will be stopped because the quota is used up, or None."""
        for server in self.running:
            if server.user == user and server.used_up is not None:
                return server.used_up + 60 * self.settings.usage.grace_minutes
        return None

    async def _end_quotas(self) -> None:
        users = {user.name: (user, name) for user, name, _ in self._servers()}
        now = self.clock()
        for index, server in enumerate(self.running):
            if server.user not in users:
                continue
            user, name = users[server.user]
            found = self.balance(user)
            used_up = (server.used_up or now) if found and found.used_up else None
            if used_up != server.used_up:
                self.ledger.set_used_up(server.user, server.name, used_up)
                self.running[index] = replace(server, used_up=used_up)
            if used_up is not None and now - used_up >= 60 * self.settings.usage.grace_minutes:
                log.warning("the server of %s is stopped: its CPU quota is used up", server.user)
                await self._stop(user, name)

    async def _stop(self, user: Any, name: str) -> None:
        hub = self.hub()
        try:
            await hub.proxy.delete_user(user, name)
            await user.stop(name)
        except Exception as error:  # the next pass tries again
            log.warning("the server of %s could not be stopped: %s", user.name, error)

    # -- upkeep -------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            if self.clock() - self._homes_measured < HOMES:
                continue
            self._homes_measured = self.clock()
            try:
                await self.measure_homes()
                keep = self.settings.usage.keep_months
                self.ledger.close_months_before(months_before(self.clock(), keep))
            except LedgerError as error:
                self._report(str(error))
            except Exception as error:  # for example, the engine refuses
                log.warning("the sizes of homes were not measured: %s", error)

    async def measure_homes(self) -> None:
        """Measure all homes and keep the result.

        Raises
        ------
        LedgerError
            If the ledger cannot be used.
        """
        sizes = await asyncio.to_thread(self.homes)
        self.ledger.measure_homes(sizes, first_day("day", self.clock()))
        HOMES_BYTES.set(sum(sizes.values()))


def _seconds(moment: Any, otherwise: float) -> float:
    """Returns a moment of JupyterHub's database (UTC without a time zone) in seconds since 1970."""
    if moment is None:
        return otherwise
    return float(moment.replace(tzinfo=UTC).timestamp())
