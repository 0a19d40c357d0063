"""Why a visit failed."""

from __future__ import annotations

__all__ = ["CellError", "LoginRefused", "VisitError"]


class VisitError(Exception):
    """A step of a visit failed; the message says which and why."""


class LoginRefused(VisitError):
    """The hub does not accept the name with this password or token."""


class CellError(VisitError):
    """A cell raised an exception.

    Parameters
    ----------
    name, value
        The exception's type and message, e.g. `AssertionError` and `the flux is 3.1, not 2.9`.
    """

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"{name}: {value}" if value else name)
        self.name = name
        self.value = value
