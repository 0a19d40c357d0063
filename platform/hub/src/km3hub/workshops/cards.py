"""The passwords and login links for the handout, from creation until they are forgotten.

A file of the state folder, mode 0600, like the platform's other secrets. It exists so that the
handout can be printed again, and so that a crash in the middle of `create` loses no password. The
hub itself never reads it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from km3hub.login.stored import replace_file
from km3hub.membership.names import WorkshopError
from km3hub.membership.record import Role

__all__ = ["Card", "CardsFile"]


class Card(BaseModel):
    """What one person is handed out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: str
    role: Role = "participant"
    name: str = ""
    email: str = ""
    password: str
    hash: str
    """The hash of the password, by which a password that was changed since is recognised."""
    secret: str
    """The secret of the one-time login link."""


_ADAPTER = TypeAdapter(dict[str, Card])


class CardsFile:
    """The cards of one workshop.

    Parameters
    ----------
    folder
        The folder of workshops in the state folder.
    workshop
        The workshop's name.
    """

    def __init__(self, folder: Path, workshop: str) -> None:
        self.path = folder / workshop / "cards.json"

    def read(self) -> dict[str, Card]:
        """Returns the cards by account; none where they were forgotten.

        Raises
        ------
        WorkshopError
            Where the file cannot be read or is damaged.
        """
        try:
            return _ADAPTER.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise WorkshopError(f"{self.path}: cannot be read: {error.strerror}") from None
        except ValidationError:
            # Without the reason, which would quote a password.
            raise WorkshopError(
                f"{self.path}: is damaged; delete it, then give accounts new passwords: km3hub"
                " workshop handout NAME --new-password ACCOUNT"
            ) from None

    def write(self, cards: dict[str, Card]) -> None:
        """Replace the cards.

        Raises
        ------
        WorkshopError
            Where they cannot be written; the old ones stay.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(self.path, _ADAPTER.dump_json(cards, indent=1).decode())
        except OSError as error:
            raise WorkshopError(f"{self.path}: cannot be written: {error.strerror}") from None

    def forget(self) -> bool:
        """Delete the cards; return whether there were any.

        Raises
        ------
        WorkshopError
            Where the file cannot be deleted.
        """
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise WorkshopError(f"{self.path}: cannot be deleted: {error.strerror}") from None
        return True
