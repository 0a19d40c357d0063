"""Problems of an alert, and the error that reports them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from openkm3.errors import OpenKM3Error


@dataclass(frozen=True)
class Problem:
    """One problem: the path of a value, and what is wrong with it.

    ``path`` is for example ``event_details[0].dec`` in JSON and ``/VOEvent/What/Param[2]`` in XML.
    It is empty if the problem concerns the whole document.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class AlertError(OpenKM3Error, ValueError):
    """An alert cannot be used; ``problems`` says why.

    Parameters
    ----------
    problems : iterable of Problem
        All problems.
    source : str
        The source of the alert, such as a file name.
    """

    def __init__(self, problems: Iterable[Problem], source: str = "alert") -> None:
        self.problems = list(problems)
        self.source = source
        lines = [str(problem) for problem in self.problems]
        head = f"{source}: {lines[0]}" if len(lines) == 1 else f"{source}: {len(lines)} problems"
        super().__init__("\n  ".join([head, *(lines if len(lines) > 1 else [])]))

    @classmethod
    def single(cls, message: str, path: str = "", source: str = "alert") -> AlertError:
        """Return an error with a single problem."""
        return cls([Problem(path, message)], source)

    def of(self, source: str) -> AlertError:
        """Return an error with the same problems and another source."""
        return AlertError(self.problems, source)


def problems_of(error: ValidationError) -> list[Problem]:
    """Return the problems that pydantic found, with JSON paths."""
    found = []
    for item in error.errors(include_url=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        path = json_path(item["loc"])
        if message.startswith("["):  # from our validator of list items
            inner, _, message = message.partition(": ")
            path += inner
        found.append(Problem(path, message))
    return found


def json_path(parts: Iterable[int | str]) -> str:
    """Return ``("event_details", 0, "ra")`` as ``event_details[0].ra``."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
