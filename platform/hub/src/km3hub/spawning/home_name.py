"""The name of a user's home, which the next person with the user's name does not get."""

from __future__ import annotations

from km3hub.login.access import AccessError, AccessFile
from km3hub.spawning.failure import StartError
from km3settings.state import State

__all__ = ["home_name"]


def home_name(state: State, user: str) -> str:
    """Returns the last part of the home's name: that of the user, or e.g. `ada.2`.

    Raises
    ------
    StartError
        Where it is unknown: the home could be another person's.
    """
    try:
        return user + AccessFile(state.access).get(user).home_suffix
    except AccessError as error:
        raise StartError(
            "Your home cannot be found at the moment. Please tell your administrator.",
            reason="home",
            log_message=f"{user}: {error}",
        ) from None
