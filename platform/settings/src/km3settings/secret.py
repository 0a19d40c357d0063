"""The file with the client secret of the OpenID provider."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from km3settings.provider import Oidc
from km3settings.state import State

__all__ = ["SecretError", "copied_secret", "keep_secret", "read_secret", "secret_file"]

#: Access that must not be granted: only the owner may write, only owner and group may read.
_FORBIDDEN = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
#: Real secrets are far shorter; a longer file is the wrong file.
_LONGEST = 4096


class SecretError(Exception):
    """The client secret cannot be read; the message says why and what to do."""


def secret_file(oidc: Oidc, settings_file: Path | None) -> Path:
    """Returns the file's path; a relative one starts in the folder of platform.yaml."""
    folder = settings_file.resolve().parent if settings_file else Path.cwd()
    return folder / oidc.client_secret_file


def copied_secret(state: State) -> Path:
    """Returns the path of the copy for a hub in a container, which cannot read the file itself."""
    return state.root / "secret-oidc-client"


def keep_secret(state: State, secret: str) -> None:
    """Write that copy, mode 0600; a running hub uses it from the next login."""
    path = copied_secret(state)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
    draft.replace(path)


def read_secret(path: Path) -> str:
    """Returns the secret in a file.

    Raises
    ------
    SecretError
        If the file is missing, cannot be read, is readable by others, or contains no secret.
    """
    key = f"login.oidc.client_secret_file: {path}"
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = file.read(_LONGEST + 1).strip()
    except FileNotFoundError:
        raise SecretError(
            f"{key} does not exist; write the client secret to it, mode 0600"
        ) from None
    except UnicodeDecodeError:
        raise SecretError(
            f"{key} is not a text file; it must contain only the client secret"
        ) from None
    except OSError as error:
        raise SecretError(f"{key} cannot be read: {error.strerror or error}") from None
    if mode & _FORBIDDEN:
        raise SecretError(
            f"{key} is readable or writable by others (mode {mode:04o}); run: chmod 600 '{path}'"
        )
    if not text or len(text) > _LONGEST or len(text.split()) != 1:
        raise SecretError(f"{key} must contain only the client secret, on one line")
    return text
