"""Filters that verify the signature of an archive of images, and sign single images."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

# Ansible loads filters as files. This one belongs to no package.
sys.path.append(str(Path(__file__).resolve().parents[2]))
import signing


def problem(index: Any, key: Any) -> str:
    """Return what is wrong with the signature of an archive, as one sentence; empty if nothing.

    Parameters
    ----------
    index
        The archive's `images.json`; the signature is in the same folder, `images.json.sig`.
    key
        File with the public key, in PEM.
    """
    index, key = Path(str(index)), Path(str(key))
    signature = index.with_name(f"{index.name}.sig")
    if not signature.is_file():
        return f"{index.parent} is not signed. Sign it: make archive SIGN=FILE."
    try:
        if _matches(signature.read_text(), index.read_bytes(), key):
            return ""
    except KeyUnusable as error:
        return str(error)
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})."
    return (
        f"{index} does not match its signature and {key}: it was changed after it was signed,"
        " or signed with another key. Nothing of it was loaded."
    )


class KeyUnusable(Exception):
    """A file is not a public key; the message is a sentence."""


def _matches(text: str, data: bytes, key: Path) -> bool:
    """Return whether a signature in base64 is one of the data by this key."""
    try:
        public = load_pem_public_key(key.read_bytes())
        if not isinstance(public, EllipticCurvePublicKey):
            raise ValueError("not of an elliptic curve")
    except (OSError, ValueError) as error:
        raise KeyUnusable(
            f"images_key: {key} is not a public key as cosign makes it, in PEM ({error})."
        ) from None
    try:
        public.verify(base64.b64decode(text), data, ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_problem(private: Any, public: Any) -> str:
    """Return why a pair of keys cannot sign and verify images, as one sentence; empty if it can.

    Parameters
    ----------
    private
        File with the private key, whose password is in the environment variable COSIGN_PASSWORD.
    public
        File with the public key, in PEM.
    """
    if not str(public):
        return (
            "registry_signing_key needs images_key: the file with the public key of the same pair."
        )
    data = b"km3net"
    try:
        text = signing.signature(data, Path(str(private)).expanduser())
        matches = _matches(text, data, Path(str(public)))
    except signing.SigningError as error:
        return f"registry_signing_key: {error.message}."
    except KeyUnusable as error:
        return str(error)
    if not matches:
        return f"registry_signing_key: {private} is not the private key of images_key, {public}."
    return ""


def image_signature(text: Any, key: Any) -> str:
    """Return the signature of the text that `km3net-registry claims` prints, in base64."""
    return str(signing.signature(str(text).encode(), Path(str(key)).expanduser())).strip()


class FilterModule:
    """The filters by the names that roles use."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "km3net_signature_problem": problem,
            "km3net_signing_problem": signing_problem,
            "km3net_image_signature": image_signature,
        }
