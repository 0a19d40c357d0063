"""Runs `km3hub workshop` on a state folder."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from km3hub.cli import main

__all__ = ["workshop"]


def workshop(state: Path, *arguments: str, stdin: str | bytes = "") -> Result:
    """Returns how a command ended: with a sentence, never with a traceback."""
    command = ["workshop", "--state", str(state), *arguments]
    result = CliRunner().invoke(main, command, input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result
