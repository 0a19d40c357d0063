"""Sign the archive of images, and single images, with a key that is not on the machines.

`make archive SIGN=FILE` signs `images.json`, which covers every image, because that file has the
digest of each image, of its file and of its bill of materials. With `registry_signing_key` the
playbooks sign each image in the registry of the workers. Key and signature are those of
`cosign sign-blob`: ECDSA on the curve P-256 over SHA-256, in base64. A key made by
`cosign generate-key-pair` is used through cosign (2.5, Debian 13); any other encrypted PEM key of
this curve is used directly.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["PASSWORD", "SigningError", "sign", "signature", "signature_of"]

#: The environment variable with the key's password; without it the password is asked for.
PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 -- the name that cosign reads
_OF_COSIGN = (b"BEGIN ENCRYPTED SIGSTORE PRIVATE KEY", b"BEGIN ENCRYPTED COSIGN PRIVATE KEY")


class SigningError(click.ClickException):
    """The archive could not be signed."""


def signature_of(index: Path) -> Path:
    """Return the path of an index's signature."""
    return index.with_name(f"{index.name}.sig")


def sign(index: Path, key: Path) -> None:
    """Write the signature of the archive's index.

    Raises
    ------
    SigningError
        If the key cannot be read, has the wrong kind or password, or needs cosign.
    """
    signature_of(index).write_text(signature(index.read_bytes(), key))


def signature(data: bytes, key: Path) -> str:
    """Return the signature of some data, in base64 with a newline at its end.

    Raises
    ------
    SigningError
        If the key cannot be read, has the wrong kind or password, or needs cosign.
    """
    try:
        content = key.read_bytes()
    except OSError as error:
        raise SigningError(f"the key {key} cannot be read: {error.strerror}") from None
    if any(mark in content for mark in _OF_COSIGN):
        return _by_cosign(data, key)
    return _by_pem(data, key, content)


def _password(key: Path) -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise SigningError(f"the password of {key} is missing: set {PASSWORD}")
    return str(click.prompt(f"Password of {key}", hide_input=True))


def _by_cosign(data: bytes, key: Path) -> str:
    if not shutil.which("cosign"):
        raise SigningError(
            f"{key} is a key of cosign, and cosign is missing: install it (Debian 13: apt install"
            " cosign) or sign on a machine that has it"
        )
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = ["cosign", "sign-blob", "--yes", "--key", str(key), "--tlog-upload=false"]
        done = subprocess.run(
            [*command, file.name], capture_output=True, text=True,
            env=os.environ | {PASSWORD: _password(key)},
        )  # fmt: skip
    if done.returncode:
        raise SigningError(f"cosign could not sign: {done.stderr.strip()}")
    return done.stdout


def _by_pem(data: bytes, key: Path, content: bytes) -> str:
    try:
        private = load_pem_private_key(content, password=_password(key).encode() or None)
    except (ValueError, TypeError) as error:
        raise SigningError(
            f"the key {key} cannot be used: {error}. It must be a private key in PEM; check the"
            " password"
        ) from None
    if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
        raise SigningError(
            f"the key {key} must be of the curve P-256 (prime256v1); docs/operations.md says how to"
            " make one"
        )
    return base64.b64encode(private.sign(data, ECDSA(hashes.SHA256()))).decode() + "\n"
