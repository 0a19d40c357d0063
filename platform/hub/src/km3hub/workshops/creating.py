"""Creating a workshop, adding to it, and changing its last day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from filelock import FileLock, Timeout

from km3hub.login import passwords
from km3hub.login.account import Account, AccountsError
from km3hub.login.accounts import AccountStore
from km3hub.membership.links import Links, new_secret
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Member, Workshop
from km3hub.membership.store import WorkshopStore
from km3hub.workshops.cards import Card, CardsFile
from km3hub.workshops.planning import plan
from km3hub.workshops.roster import Person
from km3settings.settings import Settings
from km3settings.state import State

__all__ = ["Creation", "Workshops", "require_offer"]

#: As many passwords are hashed at once; each takes 45 ms of a core and 19 MiB.
_HASHING_AT_ONCE = 2


@dataclass(frozen=True)
class Creation:
    """What a run of `create` did."""

    workshop: Workshop
    added: tuple[Member, ...]
    members: tuple[Member, ...]
    changed: tuple[str, ...] = ()
    """What is different from an earlier run, in words."""


def require_offer(settings: Settings, environment: str, size: str) -> None:
    """Refuse an environment or size that platform.yaml does not have.

    Raises
    ------
    WorkshopError
        That lists those that there are.
    """
    for kind, name, entries in (
        ("environment", environment, settings.environments),
        ("size", size, settings.sizes),
    ):
        names = [entry.name for entry in entries]
        if name not in names:
            raise WorkshopError(
                f"there is no {kind} {name!r} in platform.yaml; choose one of: {', '.join(names)}"
            )


class Workshops:
    """The workshops of a platform whose users have its own accounts.

    Parameters
    ----------
    state
        The platform's state folder.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.store = WorkshopStore(state.workshops_file)
        self.accounts = AccountStore(state.accounts)

    def cards(self, workshop: str) -> CardsFile:
        """Returns the cards of a workshop."""
        return CardsFile(self.state.workshops, workshop)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other command change workshops during the block.

        Raises
        ------
        WorkshopError
            Where one does, or an account cannot be changed.
        """
        try:
            self.state.workshops.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(self.state.workshops / "lock", timeout=0, mode=0o600):
                yield
        except Timeout:
            raise WorkshopError(
                "another 'km3hub workshop' command is running; wait until it has ended"
            ) from None
        except (AccountsError, OSError) as error:
            raise WorkshopError(str(error)) from None

    def create(
        self,
        wanted: Workshop,
        people: Sequence[Person] = (),
        *,
        participants: int,
        teachers: int,
        hashed: Callable[[], object] = lambda: None,
    ) -> Creation:
        """Create a workshop, or add to it what is missing. No password is ever changed.

        After a crash, the next run continues with the same passwords.

        Parameters
        ----------
        wanted
            The workshop.
        people
            The roster.
        participants, teachers
            The number of accounts, those of the roster included.
        hashed
            Called after each password that was hashed.

        Raises
        ------
        WorkshopError
            Where that is not possible; nothing was changed then.
        """
        with self.alone():
            known = self.store.get(wanted.name)
            changed = _changes(known, wanted)
            if known:
                wanted = replace(wanted, created=known.created)
            members = self.store.members(wanted.name)
            accounts = self.accounts.all()
            cards = self.cards(wanted.name)
            kept = cards.read()
            # What a run that was interrupted left is not in the way.
            begun = {name for name, card in kept.items() if _is_of(card, accounts.get(name))}
            taken = accounts.keys() - begun
            new = plan(
                wanted.name,
                members,
                people,
                participants=participants,
                teachers=teachers,
                taken=taken,
            )
            planned = {member.account for member in (*members, *new)}
            new += [_member(wanted.name, kept[name]) for name in sorted(begun - planned)]
            made = self._new_cards([m for m in new if m.account not in kept], hashed)
            if made:
                cards.write(kept | made)
            kept |= made
            self.accounts.change_all(begun - {m.account for m in members}, expires=wanted.until)
            missing = [member for member in new if member.account not in begun]
            self.accounts.add_all(
                {
                    member.account: Account(
                        hash=kept[member.account].hash,
                        expires=wanted.until,
                        groups=(wanted.group(member.role),),
                    )
                    for member in missing
                }
            )
            with self.store.transaction() as change:
                change.put(wanted)
                change.add_members(new)
                for member in new:
                    secret = kept[member.account].secret
                    Links.add(change, wanted.name, member.account, secret, wanted.until)
            return Creation(
                wanted, tuple(new), tuple(self.store.members(wanted.name)), tuple(changed)
            )

    @staticmethod
    def _new_cards(members: Sequence[Member], hashed: Callable[[], object]) -> dict[str, Card]:
        """Returns a card with a new password and link for each of these members."""

        def card(member: Member) -> Card:
            password = passwords.generate()
            made = Card(
                account=member.account,
                role=member.role,
                name=member.name,
                email=member.email,
                password=password,
                hash=passwords.hashed(password),
                secret=new_secret(),
            )
            hashed()
            return made

        with ThreadPoolExecutor(_HASHING_AT_ONCE) as pool:
            return {made.account: made for made in pool.map(card, members)}

    def extend(self, name: str, until: datetime) -> Workshop:
        """Change when a workshop and its accounts end; return the workshop.

        Raises
        ------
        WorkshopError
            Where there is none of this name, or it is closed.
        """
        with self.alone():
            known = self.store.require(name)
            _require_open(known)
            changed = replace(known, until=until)
            # First the accounts: if this is interrupted, the next run does it again.
            self.accounts.change_all([m.account for m in self.store.members(name)], expires=until)
            with self.store.transaction() as change:
                change.put(changed)
                Links.extend(change, name, until)
            return changed

    def renew(self, name: str, accounts: Sequence[str]) -> list[str]:
        """Give accounts of a workshop new passwords and links; return their names.

        Their sessions, tokens and servers end.

        Raises
        ------
        WorkshopError
            Where one of them is not of this workshop.
        """
        with self.alone():
            known = self.store.require(name)
            _require_open(known)
            members = {member.account: member for member in self.store.members(name)}
            wrong = [account for account in accounts if account not in members]
            if wrong:
                raise WorkshopError(f"{wrong[0]} is not an account of the workshop {name}")
            made = self._new_cards([members[account] for account in accounts], lambda: None)
            cards = self.cards(name)
            for account, card in made.items():
                self.accounts.set_password(account, card.password)
                stored = card.model_copy(update={"hash": self.accounts.require(account).hash})
                cards.write(cards.read() | {account: stored})
                with self.store.transaction() as change:
                    Links.add(change, name, account, card.secret, known.until)
            return sorted(made)


def _member(workshop: str, card: Card) -> Member:
    """Returns the member for whom a run that was interrupted has made an account."""
    return Member(
        workshop=workshop,
        account=card.account,
        role=card.role,
        key=f"email:{card.email}" if card.email else "",
        name=card.name,
        email=card.email,
    )


def _is_of(card: Card, account: Account | None) -> bool:
    return account is not None and account.hash == card.hash


def _require_open(workshop: Workshop) -> None:
    if workshop.state != "open":
        raise WorkshopError(f"the workshop {workshop.name} is {workshop.state}; create another one")


def _changes(known: Workshop | None, wanted: Workshop) -> list[str]:
    """Returns in words what changes; refuses what `create` does not change."""
    if known is None:
        return []
    _require_open(known)
    if known.until != wanted.until:
        raise WorkshopError(
            f"the workshop {known.name} exists and ends at {known.until:%Y-%m-%d %H:%M} UTC; to"
            f" change that: km3hub workshop extend {known.name} --until DATE"
        )
    return [
        f"{kind}: {now} instead of {before}"
        for kind, before, now in (
            ("environment", known.environment, wanted.environment),
            ("size", known.size, wanted.size),
        )
        if before != now
    ]
