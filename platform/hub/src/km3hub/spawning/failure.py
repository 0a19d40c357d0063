"""Errors of a server's start, with messages for its user."""

from __future__ import annotations

import html

from jupyterhub.spawner import SpawnException

__all__ = ["StartError"]


class StartError(SpawnException):
    """A server cannot start; the message is a sentence for the user."""

    def __init__(self, sentence: str, *, reason: str, log_message: str = "") -> None:
        super().__init__(
            sentence,
            reason=reason,
            log_message=log_message or sentence,
            message_html=html.escape(sentence),
            status_code=503,
        )
        self.jupyterhub_message = sentence

    def __str__(self) -> str:
        return self.jupyterhub_message
