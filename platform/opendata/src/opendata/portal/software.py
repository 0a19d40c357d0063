"""The software that the platform runs: a bill of materials (CycloneDX) for each image."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

__all__ = ["bill", "software"]

_SUFFIX = ".cdx.json"
_KINDS = {"deb": "Debian", "pypi": "Python", "npm": "npm"}


@dataclass(frozen=True)
class _Image:
    """One line of the page."""

    name: str
    file: str
    packages: str


def _folder() -> Path:
    folder: Path = settings.CONFIGURATION.bills
    return folder


def _image(file: Path) -> _Image | None:
    """Return what the page says about a file; None if it is not a bill of materials."""
    try:
        components = json.loads(file.read_text(encoding="utf-8"))["components"]
        kinds = Counter(component["purl"].partition(":")[2].partition("/")[0]
                        for component in components)  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    counted = [f"{count} {_KINDS.get(kind, kind)}" for kind, count in kinds.most_common()]
    return _Image(file.name.removesuffix(_SUFFIX), file.name, ", ".join(counted))


@require_safe
def software(request: HttpRequest) -> HttpResponse:
    """Show the images and their bills of materials."""
    found = [_image(file) for file in sorted(_folder().glob(f"*{_SUFFIX}"))]
    return render(request, "software.html", {"images": [image for image in found if image]})


@require_safe
def bill(request: HttpRequest, name: str) -> HttpResponse:
    """Send the bill of materials of an image."""
    file = _folder() / f"{name}{_SUFFIX}"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.is_file():
        raise Http404(f"There is no bill of materials for an image {name}.")
    return HttpResponse(file.read_bytes(), content_type="application/vnd.cyclonedx+json")
