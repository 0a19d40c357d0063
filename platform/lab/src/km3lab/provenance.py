"""Which image a notebook was saved with, in the notebook's metadata.

The key is `km3net`: `environment` (as on the hub's form), `image` (its name), `digest` (the
engine's identifier of the image, sha256:...) and `packages` (the serial number of the image's bill
of materials, the same for images with the same packages). What is unknown is left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["BILL", "KEY", "Origin"]

#: The key in a notebook's metadata.
KEY = "km3net"
#: The bill of materials of this image.
BILL = Path("/opt/sbom.cdx.json")
#: What others' notebooks may make this server show.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}")


@dataclass(frozen=True)
class Origin:
    """An environment and its image; what is unknown is empty."""

    environment: str = ""
    image: str = ""
    digest: str = ""
    packages: str = ""

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ, bill: Path = BILL) -> Origin:
        """The origin of notebooks that this server saves."""
        try:
            packages = str(json.loads(bill.read_text(encoding="utf-8"))["serialNumber"])
        except (OSError, ValueError, KeyError, TypeError):
            packages = ""
        return cls(
            environ.get("KM3_ENVIRONMENT", ""),
            environ.get("KM3_IMAGE", ""),
            environ.get("KM3_IMAGE_DIGEST", ""),
            packages,
        )

    @classmethod
    def of(cls, notebook: Any) -> Origin:
        """What a notebook says; it may come from anybody, so anything but short words is empty."""
        metadata = notebook.get("metadata") if isinstance(notebook, dict) else None
        found = metadata.get(KEY) if isinstance(metadata, dict) else None
        if not isinstance(found, dict):
            return cls()
        known = {name: found.get(name, "") for name in asdict(cls())}
        return cls(**{
            name: value if isinstance(value, str) and _WORD.fullmatch(value) else ""
            for name, value in known.items()
        })  # fmt: skip

    def write(self, notebook: Any) -> None:
        """Record this origin in a notebook."""
        known = {name: value for name, value in asdict(self).items() if value}
        if known and isinstance(notebook, dict) and isinstance(notebook.get("metadata"), dict):
            notebook["metadata"][KEY] = known

    def difference(self, saved: Origin, name: str) -> tuple[str, str] | None:
        """Returns what a user must know who opens a notebook here that was saved elsewhere.

        Parameters
        ----------
        saved
            What the notebook says.
        name
            The notebook's name.

        Returns
        -------
        tuple of str, or None
            A sentence and its details; None where the environment is the same, or unknown.
        """
        if saved.environment and self.environment and saved.environment != self.environment:
            return (
                f"{name} was saved in the environment {saved.environment}; this server runs"
                f" {self.environment}.",
                "Packages may be missing or have other versions, and results may differ. To get the"
                f" environment of the notebook, stop this server and choose {saved.environment}.",
            )
        for kind in ("packages", "digest"):
            before, now = getattr(saved, kind), getattr(self, kind)
            if before and now:
                if before == now:
                    return None
                return (
                    f"{name} was saved with another image of this environment.",
                    f"Versions of packages may differ, and so may results. Saved with"
                    f" {_short(saved)}, this server runs {_short(self)}. Saving the notebook"
                    " records the present image.",
                )
        return None


def _short(origin: Origin) -> str:
    return origin.digest.removeprefix("sha256:")[:12] or origin.packages[-12:]
