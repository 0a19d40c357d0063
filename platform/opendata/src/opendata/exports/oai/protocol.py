"""Requests of OAI-PMH 2.0 (https://www.openarchives.org/OAI/openarchivesprotocol.html)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from django.http import QueryDict

#: The arguments that a verb requires, and those that it also takes.
_ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {
    "Identify": (set(), set()),
    "ListMetadataFormats": (set(), {"identifier"}),
    "ListSets": (set(), {"resumptionToken"}),
    "GetRecord": ({"identifier", "metadataPrefix"}, set()),
    "ListIdentifiers": ({"metadataPrefix"}, {"from", "until", "set"}),
    "ListRecords": ({"metadataPrefix"}, {"from", "until", "set"}),
}
_TOKEN = ("metadataPrefix", "from", "until", "set")


class OaiError(Exception):
    """An error that the protocol has a code for; it is an answer too."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def arguments_of(query: QueryDict) -> tuple[str, dict[str, str]]:
    """Returns the verb and the other arguments of a request.

    Raises
    ------
    OaiError
        If the verb does not exist or does not take these arguments.
    """
    repeated = [key for key in query if len(query.getlist(key)) > 1]
    if repeated:
        raise OaiError("badArgument", f"The argument {repeated[0]} is repeated.")
    arguments = {key: str(value) for key, value in query.items()}
    verb = arguments.pop("verb", "")
    if verb not in _ARGUMENTS:
        raise OaiError("badVerb", f"The verb must be one of {', '.join(_ARGUMENTS)}.")
    if "resumptionToken" in arguments and verb in ("ListSets", "ListIdentifiers", "ListRecords"):
        if len(arguments) > 1:
            raise OaiError("badArgument", "resumptionToken must be the only argument.")
        return verb, arguments
    required, optional = _ARGUMENTS[verb]
    if missing := required - set(arguments):
        raise OaiError("badArgument", f"{verb} requires {', '.join(sorted(missing))}.")
    if unknown := set(arguments) - required - optional:
        raise OaiError("badArgument", f"{verb} does not take {', '.join(sorted(unknown))}.")
    return verb, arguments


def resumption_token(offset: int, arguments: dict[str, str]) -> str:
    """Returns the token with which a list goes on."""
    return "|".join([str(offset), *(arguments.get(name, "") for name in _TOKEN)])


def resumed(token: str) -> tuple[dict[str, str], int]:
    """Returns the arguments of a list, and how many of its records were sent before."""
    offset, *values = token.split("|")
    if len(values) != len(_TOKEN) or not offset.isdecimal() or len(offset) > 9 or not values[0]:
        raise OaiError("badResumptionToken", "This repository did not issue the token.")
    arguments = {name: value for name, value in zip(_TOKEN, values, strict=True) if value}
    return arguments, int(offset)


def limits_of(arguments: dict[str, str]) -> dict[Literal["from", "until"], datetime]:
    """Returns the first and last moment that a list asks for."""
    texts = {key: arguments[key] for key in ("from", "until") if key in arguments}
    if len({len(text) for text in texts.values()}) > 1:
        raise OaiError("badArgument", "from and until must have the same granularity.")
    found: dict[Literal["from", "until"], datetime] = {}
    if "from" in texts:
        found["from"] = _moment("from", texts["from"])
    if "until" in texts:
        # All of that day or second.
        last = _moment("until", texts["until"]).replace(microsecond=999_999)
        if len(texts["until"]) == 10:
            last = last.replace(hour=23, minute=59, second=59)
        found["until"] = last
    return found


def _moment(name: str, text: str) -> datetime:
    form = "%Y-%m-%d" if len(text) == 10 else "%Y-%m-%dT%H:%M:%SZ"
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        problem = f"{name} is not a date such as 2024-01-31 or 2024-01-31T12:00:00Z."
        raise OaiError("badArgument", problem) from None


def stamp(moment: datetime) -> str:
    """Returns a time as the protocol writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
