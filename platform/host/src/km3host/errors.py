"""The errors that a command ends with."""

from __future__ import annotations

from typing import IO, Any

import click

from km3host.events import failed


class HostError(click.ClickException):
    """A command failed; the message says what happened, to what, and what to do next."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message on standard error, or write it to the journal."""
        failed(self.message)


class ConfigurationError(HostError):
    """A configuration file is missing or has wrong values."""


class ProgramError(HostError):
    """A program that km3host runs failed."""
