"""The robots' own account: an ordinary user without groups, whom nobody else can be."""

from __future__ import annotations

from km3hub.login import passwords
from km3hub.login.accounts import AccountStore
from km3settings.settings import Settings
from km3settings.state import State
from km3visit.login import log_in
from km3visit.site import Person, Site

__all__ = ["ROBOT", "NoRobotAccount", "enter"]

ROBOT = "km3-robot"
#: Seconds for which a token of the robots is valid: longer than a round.
_LIFETIME = 4 * 3600


class NoRobotAccount(Exception):
    """The robots cannot log in; the message says what to do."""


async def enter(site: Site, settings: Settings, state: State) -> Person:
    """Log in as the robots' account, which is created or repaired where needed.

    Where people log in with a provider, the account is the one that `login.oidc.check_account`
    names.

    Raises
    ------
    NoRobotAccount
        If there is none with a provider.
    km3hub.login.account.AccountsError
        If the accounts cannot be used.
    km3visit.errors.VisitError
        If the hub does not accept the account.
    """
    if settings.login.method == "oidc":
        name = settings.login.oidc.check_account if settings.login.oidc else ""
        if not name:
            raise NoRobotAccount(
                "people log in with a provider, which robots cannot; name an account for them with"
                " login.oidc.check_account in platform.yaml"
            )
        person = Person(site, name, state.secret("verify"))
        async with person.client() as client:
            await client.post(person.api)
        return person
    password = state.secret("robot")
    store = AccountStore(state.accounts)
    account = store.get(ROBOT)
    if account is None:
        store.add(ROBOT, password, groups=(), same_person=True)
    else:
        if account.admin or account.expires or account.groups:
            store.change(ROBOT, admin=False, expires=None, groups=())
        if not passwords.matches(account.hash, password):
            store.set_password(ROBOT, password)
    return await log_in(site, ROBOT, password, note="robots", lifetime=_LIFETIME)
