"""The OpenID provider of `tests/oidc` on the machines' network, speaking https as real ones do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.tests.certificates import Authority
from deploy.tests.containers import NETWORK, docker, eventually
from tests.oidc.running import CLIENT, HERE, SECRET, packages, settings

__all__ = ["CLIENT", "SECRET", "Provider", "start_provider"]

ADDRESS, PORT = "10.199.250.6", 9443


@dataclass(frozen=True)
class Provider:
    """A running provider."""

    name: str
    issuer: str
    certificate: Path

    def stop(self) -> None:
        """Stop it; its data are lost."""
        docker("rm", "--force", "--volumes", self.name, check=False)


def start_provider(
    folder: Path,
    authority: Authority,
    *,
    shape: str,
    callback: str,
    people: Mapping[str, Mapping[str, Any]],
) -> Provider:
    """Start a provider of a shape, `iam` or `egi`; returns when it responds.

    Raises
    ------
    tests.oidc.running.NoProvider
        If its packages cannot be installed.
    """
    modules = packages()
    certificate, key = authority.issue("provider", [ADDRESS])
    provider = Provider(f"{NETWORK}-provider", f"https://{ADDRESS}:{PORT}", certificate)
    provider.stop()
    wanted = settings(
        port=PORT, shape=shape, callback=callback, people={n: dict(p) for n, p in people.items()}
    )
    wanted["issuer"] = provider.issuer
    wanted["tls"] = {"certificate": f"/tls/{certificate.name}", "key": f"/tls/{key.name}"}
    file = folder / f"provider-{shape}.json"
    file.write_text(json.dumps(wanted))
    docker(
        "run", "-d", "--name", provider.name, f"--network={NETWORK}", f"--ip={ADDRESS}",
        "--user=0", "--entrypoint=node",
        "--volume", f"{HERE / 'provider.mjs'}:/test/provider.mjs:ro",
        "--volume", f"{modules}:/test/packages:ro",
        "--volume", f"{file}:/test/provider.json:ro",
        "--volume", f"{authority.folder}:/tls:ro",
        "km3net/proxy", "/test/provider.mjs", "/test/packages", "/test/provider.json",
    )  # fmt: skip
    eventually(lambda: "listening" in docker("logs", provider.name).stdout, "the provider listens")
    return provider
