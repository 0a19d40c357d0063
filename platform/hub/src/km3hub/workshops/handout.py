"""The handout: what each card says, and the cards as a page and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import segno
from jinja2 import Environment as Templates
from jinja2 import PackageLoader

from km3hub.login.account import Account
from km3hub.membership.record import Member
from km3hub.workshops.cards import Card

__all__ = ["Handout", "Slip", "login_link", "page", "slips", "table"]

#: Spreadsheets run what begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Slip:
    """What one card says."""

    account: str
    teacher: bool
    name: str
    email: str
    password: str
    """Empty where it was changed since the card was made."""
    link: str
    """The one-time login link; empty where the password was changed."""

    @property
    def code(self) -> segno.QRCode:
        """The link as a QR code, which can be read with 15 % of it missing."""
        return segno.make(self.link, error="m", micro=False)


@dataclass(frozen=True, kw_only=True)
class Handout:
    """The cards of a workshop."""

    title: str
    address: str
    """The platform's address for users."""
    until: str
    """The last day."""
    contact: str
    slips: tuple[Slip, ...]


def login_link(address: str, account: str, secret: str) -> str:
    """Returns the one-time login link. Browsers do not send what follows `#`."""
    return f"{address}/hub/card#{account}.{secret}"


def slips(
    members: Iterable[Member],
    cards: Mapping[str, Card],
    accounts: Mapping[str, Account],
    address: str,
) -> tuple[Slip, ...]:
    """Returns the cards of members, in their order; none of those whose card was forgotten.

    Parameters
    ----------
    members
        The members.
    cards
        The cards by account.
    accounts
        The platform's accounts by name.
    address
        The platform's address for users.
    """
    found = []
    for member in members:
        card, account = cards.get(member.account), accounts.get(member.account)
        if card is None or account is None:
            continue
        same = account.hash == card.hash
        found.append(
            Slip(
                account=member.account,
                teacher=member.role == "teacher",
                name=member.name,
                email=member.email,
                password=card.password if same else "",
                link=login_link(address, member.account, card.secret) if same else "",
            )
        )
    return tuple(found)


def page(handout: Handout) -> str:
    """Returns the cards as one HTML page, which needs nothing from any server."""
    templates = Templates(loader=PackageLoader("km3hub.pages"), autoescape=True, trim_blocks=True)
    return templates.get_template("handout.html").render(handout=handout)


def table(slips: Sequence[Slip]) -> str:
    """Returns the cards as CSV for the organiser, e.g. for a mail merge.

    A byte order mark tells spreadsheets that it is UTF-8. A name that a spreadsheet would run as a
    formula gets an apostrophe in front.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["account", "role", "name", "email", "password", "login link"])
    for slip in slips:
        role = "teacher" if slip.teacher else "participant"
        cells = (slip.account, role, slip.name, slip.email, slip.password, slip.link)
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return "\ufeff" + text.getvalue()
