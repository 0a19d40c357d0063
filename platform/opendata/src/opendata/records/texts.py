"""Characters that a text may contain, so that every format can represent it as written."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

#: Not allowed in XML 1.0 (section 2.2): they make a document unreadable. Surrogates cannot even be
#: encoded.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


#: Deepest nesting of metadata; real files have five or six levels.
_DEEPEST = 50


def written(text: str) -> str:
    """Returns a text as written, with Unix line ends.

    Raises
    ------
    ValueError
        For control characters and surrogates, which no export can represent.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _NOT_IN_XML.search(lines):
        line = lines.count("\n", 0, match.start()) + 1
        raise ValueError(
            f"line {line} contains the control character U+{ord(match[0]):04X}: remove it"
        )
    return lines if lines.strip() else ""


def one_line(text: str) -> str:
    """Returns a name or title on one line."""
    return re.sub(r"[\n\t]+", " ", written(text)).strip()


def cleaned(text: str) -> str:
    """Returns a text of an older record without the characters that XML does not allow."""
    return _NOT_IN_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def check_all(value: Any, place: str) -> None:
    """Check all texts of a JSON value, including keys.

    Raises
    ------
    ValueError
        With the place of the first text that no export can represent, or of too deep nesting.
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


#: Text of several lines; blanks are kept.
Prose = Annotated[str, AfterValidator(written)]
#: A name, a title.
Line = Annotated[str, AfterValidator(one_line)]
#: For optional values: an empty field of a form means no value.
EmptyIsNone = BeforeValidator(_or_nothing)
