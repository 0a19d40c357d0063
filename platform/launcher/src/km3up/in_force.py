"""What a running platform was started with, so that `make up` can apply changes."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from km3settings.origins import Origins
from km3settings.proxies import beside_loopback
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.state import PROXY_ORIGINS, State
from km3up.environments import OWN
from km3up.failure import Failure

__all__ = ["InForce", "changed_keys", "refuse_other_path"]


def _without_banner(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain data, without the banner, which needs no restart."""
    data: dict[str, Any] = settings.model_dump(mode="json", exclude={"site": {"banner"}})
    return data


def _files(folder: Path) -> Iterable[Path]:
    return (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def _fingerprint(root: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        digest.update(str(path.relative_to(root)).encode(errors="surrogateescape"))
        digest.update(path.read_bytes())
    return digest.hexdigest()


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any], start: str = "") -> list[str]:
    """Returns the keys whose values differ, as paths such as `culling.idle_minutes`."""
    found = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += changed_keys(old, new, f"{start}{key}.")
        elif old != new:
            found.append(f"{start}{key}")
    return found


def refuse_other_path(before: Mapping[str, Any], settings: Settings) -> None:
    """Refuse to change the path of `site.public_url`.

    Parameters
    ----------
    before
        The settings in force, as plain data.
    settings
        The new settings.

    Raises
    ------
    Failure
        If the path differs: running users' servers could not be found again.
    """
    old, new = (
        urlsplit(address or "").path
        for address in (before["site"].get("public_url"), settings.site.public_url)
    )
    if old != new:
        raise Failure(
            f"site.public_url: users' servers are running and need the hub at the path"
            f" {old or '/'}, not {new or '/'}; nothing was changed. To apply it:"
            " make down, then make up"
        )


@dataclass(frozen=True)
class InForce:
    """Settings and fingerprints of the code at one moment."""

    settings: dict[str, Any]
    """`platform.yaml` without the banner."""
    hub: str
    """The hub's code and its libraries."""
    portal: str
    """The Open Data Center's code and its libraries."""
    proxy: str
    """The proxy's packages."""
    servers: str
    """The code of users' servers, which keep what they were started with."""
    network: dict[str, str]
    """Variables of the network, such as `https_proxy`, for hub and servers."""
    origins: str = ""
    """`own` or `shared`: whether users' servers have host names of their own."""

    @classmethod
    def now(cls, root: Path, settings: Settings, runtime: Runtime) -> InForce:
        """Returns what a platform would be started with now.

        Parameters
        ----------
        root
            The checkout.
        settings
            Its settings.
        runtime
            What was found out about users' host names.
        """
        own, locks = root / "platform", root / "platform" / "locks"
        code = [path for name in ("settings", "hub") for path in _files(own / name / "src")]
        lab = own / "lab" / "src"
        portal = [path for name in OWN["opendata"] for path in _files(own / name / "src")]
        environments = [
            lock
            for name in ("lab", *(environment.name for environment in settings.environments))
            if (lock := locks / f"{name}.txt").exists()
        ]
        return cls(
            settings=_without_banner(settings),
            hub=_fingerprint(root, [*code, locks / "hub.txt"]),
            portal=_fingerprint(root, [*portal, locks / "opendata.txt"]),
            proxy=_fingerprint(
                root, [root / "images" / "proxy" / f for f in ("package-lock.json", PROXY_ORIGINS)]
            ),
            servers=_fingerprint(root, [*_files(lab), *environments]),
            network=beside_loopback(os.environ),
            origins="own" if Origins(settings, runtime).own else "shared",
        )

    @staticmethod
    def _file(state: State) -> Path:
        return state.run / "in-force.json"

    def keep(self, state: State) -> None:
        """Save it, mode 0600 (a proxy's address may contain a password)."""
        file = self._file(state)
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as text:
            json.dump(asdict(self), text)
        draft.replace(file)

    @classmethod
    def kept(cls, state: State) -> InForce | None:
        """Returns what was saved; None if nothing was, or by another version."""
        try:
            kept = cls(**json.loads(cls._file(state).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return kept if isinstance(kept.settings, dict) else None

    def differs(self, before: InForce | None) -> list[str]:
        """Returns what a restart would apply; empty: nothing.

        Parameters
        ----------
        before
            What is in force; None: unknown.
        """
        if before is None:
            return ["all settings and code"]
        applied = changed_keys(before.settings, self.settings)
        if self.hub != before.hub:
            applied.append("the hub's code")
        if self.portal != before.portal and self.settings["services"]["opendata"]["enabled"]:
            applied.append("the portal's code")
        if self.proxy != before.proxy:
            applied.append("the proxy")
        if self.origins != before.origins:
            applied.append("users' host names")
        # A missing variable is not a change: `make up` may have been started by cron.
        new = {name for name, value in self.network.items() if before.network.get(name) != value}
        return [*applied, *sorted(new)]
