"""Hub and portal are built apart, and have the same colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_PLATFORM = Path(__file__).parents[2] / "platform"
_STATIC = [
    _PLATFORM / "hub/src/km3hub/pages/static",
    _PLATFORM / "opendata/src/opendata/portal/static/opendata",
]


def test_hub_and_portal_have_one_palette() -> None:
    hub, portal = (folder / "palette.css" for folder in _STATIC)
    same = hub.read_text() == portal.read_text()
    assert same, f"copy the one that is right over the other: {hub}, {portal}"


@pytest.mark.parametrize("folder", _STATIC, ids=["hub", "portal"])
def test_styles_take_their_colours_from_the_palette(folder: Path) -> None:
    palette = (folder / "palette.css").read_text()
    files = sorted(set(folder.glob("*.css")) - {folder / "palette.css"})
    assert files
    style = "\n".join(file.read_text() for file in files)
    defined = set(re.findall(r"(--km3-[\w-]+):", palette + style))
    assert set(re.findall(r"var\((--km3-[\w-]+)", style)) <= defined
    assert set(re.findall(r"var\((?!--km3-|--bs-)", style)) == set()
    colours = set(re.findall(r"#[0-9a-f]{6}\b", palette))
    assert colours & set(re.findall(r"#[0-9a-f]{6}\b", style)) == set()
