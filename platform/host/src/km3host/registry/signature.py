"""Signatures of images in a registry, as `cosign sign` stores and `cosign verify` reads them.

The signature of the manifest `sha256:HEX` is an object beside the image, with the tag
`sha256-HEX.sig`: a manifest whose layers are the signed texts ("simple signing"), each with its
signature as an annotation. ECDSA on P-256 over SHA-256, in base64. Source: cosign's
specs/SIGNATURE_SPEC.md.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from km3host.programs import one_line, run
from km3host.registry.distribution import MANIFEST, Registry, digest_of
from km3host.registry.session import RegistryError

__all__ = ["attach", "claims", "verify"]

_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_ANNOTATION = "dev.cosignproject.cosign/signature"
_TYPE = "cosign container image signature"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
#: Signatures of one image that are tried; a registry that is taken over could list any number.
_MOST = 32


def claims(repository: str, digest: str) -> bytes:
    """Return the text to sign for an image.

    Parameters
    ----------
    repository
        Registry and name of the image, such as `10.0.0.1:5000/km3net/stack`.
    digest
        The digest of its manifest.
    """
    content = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": _TYPE,
        },
        "optional": None,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def attach(registry: Registry, name: str, digest: str, text: bytes, signature: str) -> None:
    """Store a signature beside an image; earlier ones are kept.

    Parameters
    ----------
    registry
        The registry that has the image.
    name
        The image's name in it, such as `km3net/stack`.
    digest
        The digest of the image's manifest.
    text
        The signed text, see `claims`.
    signature
        Its signature in base64.

    Raises
    ------
    RegistryError
        If the registry does not store it.
    """
    layers = [
        *_layers(registry, name, digest),
        {
            "mediaType": _LAYER,
            "size": len(text),
            "digest": registry.store_blob(name, text),
            "annotations": {_ANNOTATION: signature},
        },
    ]
    config = json.dumps(_config([layer["digest"] for layer in layers])).encode()
    registry.store_blob(name, config)
    described = {"mediaType": _CONFIG, "size": len(config), "digest": digest_of(config)}
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers,
    }  # fmt: skip
    registry.store_manifest(name, _tag(digest), manifest)


def verify(registry: Registry, name: str, digest: str, key: Path) -> None:
    """Verify that an image is signed with a key.

    Parameters
    ----------
    registry, name, digest
        The image, as for `attach`.
    key
        File with the public key, in PEM.

    Raises
    ------
    RegistryError
        If it has no signature, or none of this key for this name and digest.
    """
    _check_key(key)
    layers = _layers(registry, name, digest)
    image = f"{registry.address}/{name}@{digest}"
    if not layers:
        raise RegistryError(
            f"{image} is not signed; docs/operations.md says how to sign it. It was not used."
        )
    for layer in layers[:_MOST]:
        text = registry.blob(name, str(layer.get("digest")))
        annotations = layer.get("annotations")
        signature = annotations.get(_ANNOTATION) if isinstance(annotations, dict) else None
        if _claimed(text, name, digest) and _is_signed(text, str(signature), key):
            return
    raise RegistryError(
        f"no signature of {image} matches it and {key}: the image was changed after it was signed,"
        " or signed with another key. It was not used."
    )


def _tag(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise RegistryError(f"{digest} is not a digest such as sha256:0123...")
    return f"{digest.replace(':', '-')}.sig"


def _layers(registry: Registry, name: str, digest: str) -> list[dict[str, Any]]:
    """Return the signatures of an image."""
    manifest = registry.manifest(name, _tag(digest)) or {}
    layers = manifest.get("layers")
    if not isinstance(layers, list):
        return []
    return [
        layer
        for layer in layers
        if isinstance(layer, dict)
        and layer.get("mediaType") == _LAYER
        and _DIGEST.fullmatch(str(layer.get("digest")))
    ]


def _config(digests: list[str]) -> dict[str, Any]:
    """Return the configuration that cosign's objects have: that of an image which never runs."""
    never = "0001-01-01T00:00:00Z"
    return {
        "architecture": "",
        "created": never,
        "history": [{"created": never} for _ in digests],
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": digests},
        "config": {},
    }


def _claimed(text: bytes, name: str, digest: str) -> bool:
    """Return whether a signed text is about this image.

    The registry's address may differ, because an image keeps its signature when it is copied to
    another registry; its name and digest may not.
    """
    try:
        critical = json.loads(text)["critical"]
        reference = critical["identity"]["docker-reference"]
        found = (critical["image"]["docker-manifest-digest"], critical["type"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return (
        isinstance(reference, str)
        and reference.partition("/")[2] == name
        and found == (digest, _TYPE)
    )


def _check_key(key: Path) -> None:
    if not key.is_file():
        raise RegistryError(f"the public key {key} is missing: run the playbook site")
    read = run("openssl", "pkey", "-pubin", "-in", str(key), "-noout", "-text")
    if read.returncode or "prime256v1" not in read.stdout:
        reason = one_line(read.stderr) or "it is not of the curve P-256"
        raise RegistryError(f"{key} is not a public key as cosign makes it, in PEM ({reason})")


def _is_signed(text: bytes, signature: str, key: Path) -> bool:
    """Return whether openssl finds the signature right."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    with tempfile.TemporaryDirectory() as folder:
        content, proof = Path(folder, "text"), Path(folder, "signature")
        content.write_bytes(text)
        proof.write_bytes(raw)
        done = run(
            "openssl", "dgst", "-sha256", "-verify", str(key), "-signature", str(proof),
            str(content),
        )  # fmt: skip
    return done.returncode == 0
