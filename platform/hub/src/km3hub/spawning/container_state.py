"""What the engine's description of a container's state means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["end_in_words", "filters"]


def filters(state: dict[str, Any]) -> bool:
    """Returns whether the firewall container's state says that its rules are active.

    Its first health check comes half a minute after its start. Before that it has its rules if it
    has lived for a second: it ends at once where it cannot write them.
    """
    if not state["Running"] or state.get("Restarting"):
        return False
    if state["Health"]["Status"] == "starting":
        age = datetime.now(UTC) - datetime.fromisoformat(state["StartedAt"][:19] + "+00:00")
        return age > timedelta(seconds=2)
    return bool(state["Health"]["Status"] == "healthy")


def end_in_words(container: dict[str, Any]) -> str:
    """Returns why a container ended, for its user."""
    state = container["State"]
    # The flag may be about any process in the container; 137 means that it was the server.
    if state.get("OOMKilled") and state["ExitCode"] == 137:
        limit = container["HostConfig"]["Memory"] / 1024**2
        amount = f"{limit:.0f} MB" if limit < 1024 else f"{limit / 1024:.3g} GB"
        return f"It exceeded its memory limit of {amount}."
    if state.get("Error"):
        return f"The engine's message: {state['Error']}"
    return f"It ended with exit code {state['ExitCode']}."
