"""Certificates of the site's own authorities, copied from this machine into the images.

Where a site inspects or signs HTTPS with its own authority, programs in a container can download
nothing unless they trust that authority too. Only authorities that this machine trusts beyond the
public ones are copied.
"""

from __future__ import annotations

import os
import re
import warnings
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

__all__ = ["CertificateError", "sources", "stage"]

#: Environment variables that make clients trust another bundle than their own.
VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
)
#: Where Debian and its relatives keep a site's own authorities, and the public ones.
SITE_FOLDER = Path("/usr/local/share/ca-certificates")
PUBLIC_FOLDER = Path("/usr/share/ca-certificates")


class CertificateError(Exception):
    """A file that should contain certificates cannot be read as such."""


def sources(named: list[Path]) -> list[Path]:
    """Return the files in which this machine may list the site's authorities.

    Parameters
    ----------
    named
        Files given on the command line; they must exist.
    """
    found = [Path(os.environ[name]) for name in VARIABLES if os.environ.get(name)]
    found += sorted(SITE_FOLDER.rglob("*.crt")) if SITE_FOLDER.is_dir() else []
    return [*named, *(path for path in dict.fromkeys(found) if path.is_file())]


def stage(files: list[Path], folder: Path) -> list[str]:
    """Write the site's authorities found in `files` to `folder` as `host-*.crt`, one per file.

    Removes files of that name from an earlier call that are no longer needed, and leaves others
    alone. Returns the names of the authorities, for people to read.

    Raises
    ------
    CertificateError
        If a file does not contain certificates in PEM format.
    """
    known = {_fingerprint(item) for item in _public()}
    wanted: dict[str, x509.Certificate] = {}
    for file in files:
        for certificate in _read(file):
            print_ = _fingerprint(certificate)
            if print_ not in known:
                wanted[f"host-{_slug(certificate)}-{print_[:8]}.crt"] = certificate
    for old in folder.glob("host-*.crt"):
        if old.name not in wanted:
            old.unlink()
    for name, certificate in wanted.items():
        text = certificate.public_bytes(Encoding.PEM)
        path = folder / name
        # An unchanged file keeps its time, so that the engine keeps its cache.
        if not path.exists() or path.read_bytes() != text:
            path.write_bytes(text)
    return [_name(certificate) for certificate in wanted.values()]


def _public() -> list[x509.Certificate]:
    """Return the public authorities: those of Debian, and of certifi as it was released.

    A site may have added its own authority to certifi's file, which then does not show what is
    public.
    """
    files = [Path(certifi.where())] if _released() else []
    if PUBLIC_FOLDER.is_dir():
        files += sorted(PUBLIC_FOLDER.rglob("*.crt"))
    return [certificate for file in files for certificate in _read(file)]


def _released() -> bool:
    """Return whether certifi's file has the checksum recorded in its package."""
    for entry in metadata.files("certifi") or ():
        if entry.name == "cacert.pem" and entry.hash is not None:
            digest = sha256(Path(certifi.where()).read_bytes()).digest()
            return urlsafe_b64encode(digest).rstrip(b"=").decode() == entry.hash.value
    return False


def _read(file: Path) -> list[x509.Certificate]:
    try:
        with warnings.catch_warnings():
            # Some public authorities have odd serial numbers, which users cannot change.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{file} contains no certificates in PEM format: {error}") from error


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _slug(certificate: x509.Certificate) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _name(certificate).lower()).strip("-")[:40] or "authority"
