"""`km3hub accounts`: the platform's own accounts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import click

import km3hub
from km3hub.cli.relay import ask, container, relay
from km3hub.login import passwords
from km3hub.login.access import AccessError
from km3hub.login.accounts import (
    Account,
    AccountNameError,
    AccountsError,
    AccountStore,
    expiry,
    group_names,
    several_people,
)
from km3settings.state import State

__all__ = ["ONE_PERSON", "accounts", "default_state", "given_groups"]

#: The warning where several people get accounts without containers.
ONE_PERSON = (
    "without containers the platform is for one person. The servers of all accounts run as the same"
    " system user, so each of these users can read and change the files of all others, and limits"
    " of memory and cores are not enforced. For several people, use containers: make up MODE=docker"
)
#: The word for an account that does not expire.
_NEVER = "never"


#: Commands of other modules: module and function. They are imported when they are used, because
#: they need more libraries than adding an account.
_ELSEWHERE = {
    "export": ("km3hub.cli.person", "export"),
    "erase": ("km3hub.cli.person", "erase"),
    "record": ("km3hub.cli.person", "record"),
    "forget": ("km3hub.cli.person", "forget"),
    "sessions": ("km3hub.cli.sessions", "sessions"),
    "end-sessions": ("km3hub.cli.sessions", "end_sessions"),
    "release": ("km3hub.cli.sessions", "release"),
}
#: Commands that are not passed on to the hub's container: they use Docker themselves.
_LOCAL = ("export", "erase")


class _Relaying(click.Group):
    """Passes a command on to the hub's container where that has the accounts."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, function = _ELSEWHERE[cmd_name]
        command: click.Command = getattr(import_module(module), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = super().resolve_command(ctx, args)
        state = State(ctx.params["state"])
        if not ctx.resilient_parsing and not {"-h", "--help"} & set(args):
            name = container(state, os.environ)
            if name and found[0] not in _LOCAL:
                ctx.exit(relay(name, ["accounts", *args]))
        return found


def _expiry(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = expiry(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if moment <= datetime.now(UTC):
        raise click.BadParameter(f"{value} is in the past")
    return moment


def _new_expiry(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> datetime | str | None:
    return value if value == _NEVER else _expiry(ctx, param, value)


def _groups(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    try:
        return None if value is None else group_names(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def default_state() -> Path:
    """Returns the state folder of this program's checkout, or of the current folder."""
    root = _checkout()
    return (root or Path()) / ".platform"


def _checkout() -> Path | None:
    root = Path(km3hub.__file__).resolve().parents[4]
    return root if (root / "docker-compose.yml").is_file() else None


def given_groups(state: State, environment: Mapping[str, str]) -> set[str] | None:
    """Returns the groups of all accounts; None if they are unknown.

    Parameters
    ----------
    state
        The platform's state folder.
    environment
        Of this process.
    """
    try:
        name = container(state, environment)
        if name:
            listed = ask(name, ["accounts", "list", "--json"])
            return None if listed is None else _groups_in(listed)
        if not state.accounts.exists() and not _checkout():
            return None  # a container without state, started only for this check
        known = AccountStore(state.accounts).all()
    except (click.ClickException, AccountsError, ValueError):
        return None
    return {group for account in known.values() for group in account.groups or ()}


def _groups_in(listed: str) -> set[str]:
    """Returns the groups in the output of `accounts list --json`."""
    return {group for account in json.loads(listed) for group in account["groups"]}


@contextmanager
def _reported() -> Iterator[None]:
    """Report errors as sentences, with exit code 2 for wrong input and 1 for failures."""
    try:
        yield
    except (AccountNameError, passwords.PasswordError) as error:
        raise click.UsageError(str(error)) from None
    except (AccountsError, AccessError) as error:
        raise click.ClickException(str(error)) from None


def _password(from_stdin: bool) -> str:
    """Returns the first line of standard input, or a random password."""
    if not from_stdin:
        return passwords.generate()
    return sys.stdin.readline(passwords.LONGEST + 3).rstrip("\r\n")


def _shown_once(name: str, password: str) -> None:
    click.echo(f"Password of {name}: {password}")
    click.echo("It is not shown again; only its hash is stored.", err=True)


password_stdin = click.option(
    "--password-stdin",
    "from_stdin",
    is_flag=True,
    help="Read the password from standard input; without it a random one is made and shown.",
)


groups_option = click.option(
    "--groups",
    metavar="A,B",
    callback=_groups,
    help="Groups, which give access to environments and sizes in platform.yaml; '': none.",
)


@click.group(cls=_Relaying)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KM3_STATE",
    default=default_state,
    help="The state folder of the platform (default: .platform of the checkout).",
)
@click.pass_context
def accounts(ctx: click.Context, state: Path) -> None:
    """Add, list, change and remove accounts.

    Changes take effect in a running hub at once.
    """
    ctx.obj = AccountStore(State(state).accounts)


@accounts.command()
@click.argument("name")
@click.option("--admin", is_flag=True, help="An administrator of the hub and all servers.")
@click.option(
    "--expires",
    metavar="DATE",
    callback=_expiry,
    help="Last day (UTC), e.g. 2027-01-31, or a time such as 2027-01-31T18:00+01:00.",
)
@groups_option
@click.option(
    "--same-person",
    is_flag=True,
    help="For the person who had this name last, who gets the home again.",
)
@password_stdin
@click.pass_obj
def add(
    store: AccountStore,
    *,
    name: str,
    admin: bool,
    expires: datetime | None,
    groups: tuple[str, ...] | None,
    same_person: bool,
    from_stdin: bool,
) -> None:
    """Add the account NAME.

    Letters, digits and '-'; stored in lower case. Where somebody had the name before, the new
    account inherits nothing, unless --same-person is given.
    """
    password = _password(from_stdin)
    with _reported():
        another = store.add(
            name, password, admin=admin, expires=expires, groups=groups, same_person=same_person
        )
        account = store.require(name)
    click.echo(f"Added the {_described(name, account)}.")
    if another:
        known = name.lower()
        click.echo(
            f"Somebody had the name {known} before. This account starts with an empty home;"
            f" the former home is kept. If it is the same person: km3hub accounts set {known}"
            f" --home {store.access.get(known).former_home}",
            err=True,
        )
    if not from_stdin:
        _shown_once(name.lower(), password)
    if os.environ.get("KM3_MODE") != "docker" and several_people(store.names()):
        click.echo(click.style("Warning: ", fg="yellow") + ONE_PERSON, err=True)


@accounts.command("list")
@click.option("--json", "for_programs", is_flag=True, help="For programs: a list of objects.")
@click.pass_obj
def list_(store: AccountStore, for_programs: bool) -> None:
    """List all accounts."""
    with _reported():
        known = store.all()
    if for_programs:
        click.echo(json.dumps([_object(name, known[name]) for name in sorted(known)]))
        return
    if not known:
        click.echo(f"No accounts in {store.path}; add one: km3hub accounts add NAME")
        return
    rows: list[tuple[str, ...]]
    rows = [("NAME", "ADMIN", "LAST VALID (UTC)", "STATE", "CREATED", "GROUPS")]
    rows += [_row(name, account) for name, account in sorted(known.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in cells).rstrip())


@accounts.command("set")
@click.argument("name")
@click.option("--admin/--no-admin", default=None, help="Whether it administers the hub.")
@click.option(
    "--expires",
    metavar="DATE|never",
    callback=_new_expiry,
    help="Last day (UTC), a time as with add, or never.",
)
@groups_option
@click.option(
    "--home",
    type=click.IntRange(1),
    help="Number of a home that this name has had; running servers are stopped.",
)
@click.pass_obj
def set_(
    store: AccountStore,
    *,
    name: str,
    admin: bool | None,
    expires: datetime | str | None,
    groups: tuple[str, ...] | None,
    home: int | None,
) -> None:
    """Change the account NAME; what is not given is left unchanged. Takes effect at once."""
    values: dict[str, object] = {}
    if admin is not None:
        values["admin"] = admin
    if expires is not None:
        values["expires"] = None if expires == _NEVER else expires
    if groups is not None:
        values["groups"] = groups
    if not values and home is None:
        raise click.UsageError(
            "nothing to change; use --admin, --no-admin, --expires, --groups or --home"
        )
    with _reported():
        store.require(name)
        if home is not None:
            store.access.move(name.lower(), home)
        account = store.change(name, **values)
    click.echo(f"Now: the {_described(name, account)}.")


@accounts.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(store: AccountStore, name: str, yes: bool) -> None:
    """Remove the account NAME; its sessions, tokens and servers end, its files are kept.

    Whoever gets the name next inherits nothing.
    """
    with _reported():
        # Before asking for confirmation.
        store.require(name)
    if not yes:
        click.confirm(f"Remove the account {name.lower()}? Its files are kept", abort=True)
    with _reported():
        store.remove(name)
    click.echo(
        f"Removed {name.lower()} and ended its sessions, tokens and servers; the files in its home"
        " are kept."
    )


@accounts.command()
@click.argument("name")
@password_stdin
@click.pass_obj
def passwd(store: AccountStore, name: str, from_stdin: bool) -> None:
    """Give the account NAME another password; its sessions, tokens and servers end."""
    password = _password(from_stdin)
    with _reported():
        store.set_password(name, password)
    click.echo(
        f"Changed the password of {name.lower()} and ended its sessions, tokens and servers."
    )
    if not from_stdin:
        _shown_once(name.lower(), password)


def _last_valid(expires: datetime) -> str:
    """Returns the last day, or the time where the account does not end with a day."""
    if expires == expires.replace(hour=0, minute=0, second=0, microsecond=0):
        return f"{expires - timedelta(days=1):%Y-%m-%d}"
    return f"{expires:%Y-%m-%d %H:%M}"


def _validity(expires: datetime | None) -> str:
    return f"valid until {_last_valid(expires)} (UTC)" if expires else "valid without limit"


def _described(name: str, account: Account) -> str:
    kind = "administrator" if account.admin else "user"
    groups = f", in the groups {', '.join(account.groups)}" if account.groups else ""
    return f"{kind} {name.lower()}, {_validity(account.expires)}{groups}"


def _object(name: str, account: Account) -> dict[str, object]:
    return {
        "name": name,
        "admin": account.admin,
        "groups": list(account.groups or ()),
        "created": account.created.isoformat(),
        "expires": account.expires.isoformat() if account.expires else None,
        "expired": account.expired(),
    }


def _row(name: str, account: Account) -> tuple[str, ...]:
    return (
        name,
        "yes" if account.admin else "no",
        _last_valid(account.expires) if account.expires else "no limit",
        "expired" if account.expired() else "valid",
        f"{account.created:%Y-%m-%d}",
        ", ".join(account.groups or ()),
    )
