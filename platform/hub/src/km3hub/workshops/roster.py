"""The list of participants that an organiser has: a CSV file of a spreadsheet or of Indico."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from km3hub.login.accounts import AccountNameError, normalised
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Role

__all__ = ["LARGEST", "Person", "Roster", "RosterError", "read_roster"]

#: The largest number of people in a workshop, and of bytes in a file.
LARGEST = 1000
_BYTES = 2**20
#: The longest name and e-mail address (RFC 5321, 4.5.3.1.3).
_NAME, _EMAIL = 100, 254
#: Headings, in lower case without anything but letters, and what they mean.
_HEADINGS = {
    **dict.fromkeys(("name", "fullname", "participant"), "name"),
    **dict.fromkeys(("firstname", "givenname", "forename"), "first"),
    **dict.fromkeys(("lastname", "surname", "familyname"), "last"),
    **dict.fromkeys(("email", "mail", "emailaddress"), "email"),
    **dict.fromkeys(("account", "username", "login"), "account"),
    **dict.fromkeys(("role",), "role"),
}
_ROLES: dict[str, Role] = {
    "": "participant",
    "participant": "participant",
    "student": "participant",
    "teacher": "teacher",
    "instructor": "teacher",
}
#: Joiners that scripts such as Persian need inside a word.
_JOINERS = "\u200c\u200d"
_MAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
#: Problems that one message lists.
_LISTED = 10


class RosterError(WorkshopError):
    """The roster cannot be used; the message lists its lines and what is wrong with them."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """One line of the roster."""

    line: int
    name: str = ""
    email: str = ""
    """In lower case."""
    account: str = ""
    """The account that the roster asks for; empty: any."""
    role: Role = "participant"

    @property
    def key(self) -> str:
        """What identifies the person in the next version of the roster."""
        if self.account:
            return f"account:{self.account}"
        return f"email:{self.email}" if self.email else f"name:{_folded(self.name)}"


@dataclass(frozen=True)
class Roster:
    """The people of a file."""

    people: tuple[Person, ...]
    ignored: tuple[str, ...] = ()
    """The headings of columns that are not used, in quotes."""


def read_roster(data: bytes, source: str) -> Roster:
    """Returns the people in a CSV file.

    The first line has the headings: `name` (or `first name` and `last name`), `email`, `account`
    and `role`, in any order; one of the first three is enough. Columns are separated by comma,
    semicolon or tab. Empty lines are skipped.

    Parameters
    ----------
    data
        The content of the file, in UTF-8 or, with a byte order mark, in UTF-16.
    source
        The file's name, for messages.

    Raises
    ------
    RosterError
        Where anything is wrong, with all lines to be mended.
    """
    text = _text(data, source)
    rows = list(_rows(text, source))
    if not rows:
        raise RosterError(f"{source}: is empty; its first line must be, for example: name,email")
    (_, headings), *lines = rows
    columns, ignored = _columns(headings, source)
    problems: list[str] = []
    people = [
        person
        for line, cells in lines
        if (person := _person(line, cells, columns, len(headings), problems))
    ]
    problems += _duplicates(people)
    if problems:
        more = len(problems) - _LISTED
        listed = "\n".join(f"  {problem}" for problem in problems[:_LISTED])
        rest = f"\n  and {more} more" if more > 0 else ""
        raise RosterError(f"{source}: nothing was changed; mend these lines:\n{listed}{rest}")
    if not people:
        raise RosterError(f"{source}: lists nobody; write one person per line below the headings")
    if len(people) > LARGEST:
        raise RosterError(f"{source}: lists {len(people)} people; at most {LARGEST} are possible")
    return Roster(tuple(people), ignored)


def _text(data: bytes, source: str) -> str:
    if len(data) > _BYTES:
        raise RosterError(f"{source}: is larger than 1 MB, which no list of participants is")
    utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise RosterError(
            f"{source}: is not in UTF-8; save it from the spreadsheet as 'CSV UTF-8'"
        ) from None
    if "\0" in text:
        raise RosterError(f"{source}: is not a text file; save it from the spreadsheet as CSV")
    return text


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yields the number and the cells of each line that is not empty."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begin = 1
    try:
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                yield begin, cells
            begin = reader.line_num + 1
    except csv.Error as error:
        raise RosterError(f"{source}: line {begin} cannot be read: {error}") from None


def _columns(headings: Sequence[str], source: str) -> tuple[dict[str, int], tuple[str, ...]]:
    found: dict[str, int] = {}
    ignored: list[str] = []
    for place, heading in enumerate(headings):
        meaning = _HEADINGS.get(re.sub(r"[^a-z]", "", heading.lower()))
        if meaning is None:
            ignored += [_shown(heading)] if heading else []
        elif meaning in found:
            raise RosterError(f"{source}: has two columns for {meaning!r}; keep one of them")
        else:
            found[meaning] = place
    if not found.keys() & {"name", "last", "email", "account"}:
        raise RosterError(
            f"{source}: its first line has none of the headings name, email and account (it is:"
            f" {', '.join(_shown(heading) for heading in headings[:6])})"
        )
    return found, tuple(ignored)


def _person(
    line: int,
    cells: Sequence[str],
    columns: dict[str, int],
    width: int,
    problems: list[str],
) -> Person | None:
    if any(cells[width:]):
        problems.append(
            f"line {line}: has {len(cells)} cells instead of {width}; put a cell that contains the"
            " separator into double quotes"
        )
        return None
    cell = {key: cells[place] if place < len(cells) else "" for key, place in columns.items()}
    name = cell.get("name") or f"{cell.get('first', '')} {cell.get('last', '')}".strip()
    email, account = cell.get("email", "").lower(), cell.get("account", "")
    before = len(problems)
    if not (name or email or account):
        problems.append(f"line {line}: has no name, e-mail address or account")
    for text in (name, email, account):
        if not _printable(text):
            problems.append(f"line {line}: {_shown(text)} contains control characters")
    if len(name) > _NAME:
        problems.append(f"line {line}: the name has more than {_NAME} characters")
    if email and (len(email) > _EMAIL or not _MAIL.fullmatch(email)):
        problems.append(f"line {line}: {_shown(email)} is not an e-mail address")
    if account:
        try:
            account = normalised(account)
        except AccountNameError as error:
            problems.append(f"line {line}: {error}")
    role = _ROLES.get(cell.get("role", "").lower())
    if role is None:
        problems.append(
            f"line {line}: the role is {_shown(cell['role'])}; write participant or teacher"
        )
    if len(problems) > before or role is None:
        return None
    return Person(line=line, name=name, email=email, account=account, role=role)


def _duplicates(people: Sequence[Person]) -> list[str]:
    problems = []
    seen: dict[str, int] = {}
    for person in people:
        same_name = not (person.email or person.account)
        for kind, value in (
            ("the account", person.account),
            ("the e-mail address", person.email),
            ("the name", person.name if same_name else ""),
        ):
            key = f"{kind} {_folded(value)}"
            first = seen.setdefault(key, person.line) if value else person.line
            if first != person.line:
                advice = "; add an e-mail address to tell them apart" if same_name else ""
                problems.append(
                    f"line {person.line}: {kind} {_shown(value)} is that of line {first},"
                    f" too{advice}"
                )
    return problems


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _printable(text: str) -> bool:
    return all(c.isprintable() or c in _JOINERS for c in text)


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return repr(clean if len(clean) <= 40 else f"{clean[:37]}...")
