"""Why a request is not passed on to the engine."""

from __future__ import annotations

__all__ = ["EngineError", "Refusal"]


class Refusal(Exception):
    """The request is not allowed, or cannot be understood beyond doubt.

    Parameters
    ----------
    reason
        What is wrong with the request. It goes to the client and to the log, so it never contains
        a value that may be a secret, such as an environment variable.
    status
        The HTTP status of the answer.
    """

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class EngineError(Exception):
    """The engine did not answer; the message says why.

    Parameters
    ----------
    status
        502 where the engine cannot be reached, 504 where it took too long.
    """

    def __init__(self, reason: str, status: int = 502) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
