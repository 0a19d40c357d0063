"""The file with the secret that the provider gave this hub."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from km3settings.provider import Oidc
from km3settings.state import State

__all__ = ["SecretError", "copied_secret", "keep_secret", "read_secret", "secret_file"]

#: Nobody but its owner may change it, nobody but its owner and group may read it.
_FORBIDDEN = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
#: Providers give far shorter ones; somebody named the wrong file.
_LONGEST = 4096


class SecretError(Exception):
    """The client secret cannot be had; the message says why and how to mend it."""


def secret_file(oidc: Oidc, settings_file: Path | None) -> Path:
    """The file that the settings name; a relative path starts beside platform.yaml."""
    folder = settings_file.resolve().parent if settings_file else Path.cwd()
    return folder / oidc.client_secret_file


def copied_secret(state: State) -> Path:
    """Where `make up` puts a copy for a hub in a container, which may not read the file itself."""
    return state.root / "secret-oidc-client"


def keep_secret(state: State, secret: str) -> None:
    """Write that copy, mode 0600; a hub that runs uses it from the next login on."""
    path = copied_secret(state)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
    draft.replace(path)


def read_secret(path: Path) -> str:
    """The secret in a file.

    Raises
    ------
    SecretError
        Where the file is missing, cannot be read, is open to others, or holds no secret.
    """
    key = f"login.oidc.client_secret_file: {path}"
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = file.read(_LONGEST + 1).strip()
    except FileNotFoundError:
        raise SecretError(
            f"{key} is not there; write the client secret into it, mode 0600"
        ) from None
    except UnicodeDecodeError:
        raise SecretError(f"{key} is not text; it must hold the client secret only") from None
    except OSError as error:
        raise SecretError(f"{key} cannot be read: {error.strerror or error}") from None
    if mode & _FORBIDDEN:
        raise SecretError(f"{key} is open to others (mode {mode:04o}); run: chmod 600 '{path}'")
    if not text or len(text) > _LONGEST or len(text.split()) != 1:
        raise SecretError(f"{key} must hold the client secret and nothing else, on one line")
    return text
