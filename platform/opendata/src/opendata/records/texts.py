"""Which characters a text may hold, so that every format can carry it as it was written."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

#: No character of XML 1.0 (section 2.2): they make a document unreadable for everybody. Halves of
#: characters beyond U+FFFF cannot even be encoded.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


#: Levels of metadata; those of real files have five or six.
_DEEPEST = 50


def written(text: str) -> str:
    """Returns a text as it was written; the ends of its lines become those of Unix.

    Raises
    ------
    ValueError
        For control characters and halves of characters, which no export can carry.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _NOT_IN_XML.search(lines):
        line = lines.count("\n", 0, match.start()) + 1
        raise ValueError(
            f"line {line} holds the control character U+{ord(match[0]):04X}: remove it"
        )
    return lines if lines.strip() else ""


def one_line(text: str) -> str:
    """Returns a name or title; where it goes on in another line there is a blank."""
    return re.sub(r"[\n\t]+", " ", written(text)).strip()


def cleaned(text: str) -> str:
    """Returns what an older record says without the characters that XML does not have."""
    return _NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def check_all(value: Any, place: str) -> None:
    """Look over all texts of a JSON value, keys too.

    Raises
    ------
    ValueError
        With the place of the first text that no export can carry, or if it is nested too deeply.
    """
    if place.count(".") > _DEEPEST:
        raise ValueError(f"{place[:60]}...: is nested more than {_DEEPEST} levels deep")
    if isinstance(value, str):
        try:
            written(value)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            check_all(key, f"{place}: a key")
            check_all(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check_all(item, f"{place}.{number}")


def _or_nothing(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


#: Text of several lines, its blanks kept.
Prose = Annotated[str, AfterValidator(written)]
#: A name, a title.
Line = Annotated[str, AfterValidator(one_line)]
#: In front of an optional value: an empty field of a form is no value.
EmptyIsNone = BeforeValidator(_or_nothing)
