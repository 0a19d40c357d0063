"""The registry's HTTP interface, for what the Docker Engine cannot ask: signatures of images.

Source: OCI distribution specification 1.1.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import ssl
from contextlib import closing
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urljoin, urlsplit

from km3host.registry.session import ACCOUNT, RegistryError

__all__ = ["MANIFEST", "Registry"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
#: Where the engine looks for the authority of a registry.
CERTIFICATES = Path("/etc/docker/certs.d")
#: Manifests and signatures are small; whatever is longer is neither.
LARGEST = 1024**2
SECONDS = 60.0


class _Answer(NamedTuple):
    """What the registry answered."""

    status: int
    headers: Message
    body: bytes


class Registry:
    """One registry, as the account of the platform."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self._password = password
        authority = CERTIFICATES / address / "ca.crt"
        # As the engine does: a registry on loopback needs no certificate.
        self._plain = not authority.is_file() and _on_loopback(address)
        self._base = f"{'http' if self._plain else 'https'}://{address}"
        self._context = ssl.create_default_context(
            cafile=authority if authority.is_file() else None
        )

    def manifest(self, repository: str, reference: str) -> dict[str, Any] | None:
        """Return the manifest with a tag or digest; None if there is none.

        Raises
        ------
        RegistryError
            If the registry cannot be asked, or answers with something else.
        """
        found = self._ask("GET", f"/v2/{repository}/manifests/{reference}", Accept=MANIFEST)
        if found.status == 404:
            return None
        try:
            manifest = json.loads(self._expect(found, 200).body)
        except (ValueError, RecursionError):
            manifest = None
        if not isinstance(manifest, dict):
            raise RegistryError(f"{self.address}: {repository}:{reference} is not a manifest")
        return manifest

    def blob(self, repository: str, digest: str) -> bytes:
        """Return a small blob, whose digest is verified.

        Raises
        ------
        RegistryError
            If there is none, or it has another digest.
        """
        found = self._expect(self._ask("GET", f"/v2/{repository}/blobs/{digest}"), 200)
        if digest_of(found.body) != digest:
            raise RegistryError(f"{self.address}: the blob {digest} has another digest")
        return found.body

    def store_blob(self, repository: str, content: bytes) -> str:
        """Store a blob and return its digest."""
        digest = digest_of(content)
        begun = self._expect(self._ask("POST", f"/v2/{repository}/blobs/uploads/"), 202)
        place = urljoin(self._base, begun.headers.get("Location") or "")
        if urlsplit(place).netloc != self.address:
            raise RegistryError(f"{self.address} sends uploads to another machine: {place}")
        path = place.removeprefix(self._base)
        path += f"{'&' if '?' in path else '?'}digest={digest}"
        kind = {"Content-Type": "application/octet-stream"}
        self._expect(self._ask("PUT", path, content, **kind), 201)
        return digest

    def store_manifest(self, repository: str, tag: str, manifest: dict[str, Any]) -> None:
        """Store a manifest with a tag."""
        content = json.dumps(manifest, separators=(",", ":")).encode()
        path = f"/v2/{repository}/manifests/{tag}"
        self._expect(self._ask("PUT", path, content, **{"Content-Type": MANIFEST}), 201)

    def _ask(self, method: str, path: str, content: bytes | None = None, **headers: str) -> _Answer:
        # Follows no redirect and no proxy of the site: the password is for this address only.
        account = base64.b64encode(f"{ACCOUNT}:{self._password}".encode()).decode()
        headers["Authorization"] = f"Basic {account}"
        try:
            with closing(self._connect()) as connection:
                connection.request(method, path, content, headers)
                answer = connection.getresponse()
                return _Answer(answer.status, answer.headers, self._read(answer))
        except (OSError, HTTPException, ValueError) as error:
            self._unreachable(str(error))

    def _connect(self) -> HTTPConnection:
        if self._plain:
            return HTTPConnection(self.address, timeout=SECONDS)
        return HTTPSConnection(self.address, timeout=SECONDS, context=self._context)

    def _read(self, answer: HTTPResponse) -> bytes:
        body = answer.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise RegistryError(f"{self.address} answered with more than {LARGEST} bytes")
        return body

    def _expect(self, answer: _Answer, status: int) -> _Answer:
        if answer.status != status:
            self._unreachable(f"it answered {answer.status} instead of {status}")
        return answer

    def _unreachable(self, reason: str) -> NoReturn:
        raise RegistryError(
            f"cannot use the registry {self.address} ({reason}); on the hub's machine see:"
            " systemctl status docker-registry. Running servers are not affected."
        ) from None


def digest_of(content: bytes) -> str:
    """Return the digest of a blob or manifest, `sha256:...`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _on_loopback(address: str) -> bool:
    host = urlsplit(f"//{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
