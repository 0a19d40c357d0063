"""Days as people know them: a year, a month of it, or a day."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator

_FORMS = re.compile(r"([0-9]{4})(-[0-9]{2})?(-[0-9]{2})?")


def day(text: str) -> str:
    """Returns a year, month or day that the calendar has, as it was written; ``""`` for none.

    Raises
    ------
    ValueError
        If it is something else.
    """
    match = _FORMS.fullmatch(text)
    try:
        if match:
            date.fromisoformat(match[1] + (match[2] or "-01") + (match[3] or "-01"))
    except ValueError:
        match = None
    if text and not match:
        raise ValueError(f"{text!r} is not a date such as 2018, 2018-08 or 2018-08-21")
    return text


Day = Annotated[str, AfterValidator(day)]
