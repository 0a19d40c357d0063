"""The fonts of the printed handout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fonts", "find_fonts"]

#: Folders of Debian and Ubuntu (the hub's image has the package `fonts-dejavu-core`), Fedora, Arch,
#: Homebrew and macOS.
_FOLDERS = (
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/dejavu-sans-fonts",
    "/usr/share/fonts/TTF",
    "/usr/share/fonts/dejavu",
    "/opt/homebrew/share/fonts",
    "/System/Library/Fonts/Supplemental",
)
#: Regular, bold and fixed width: DejaVu has European, Greek, Cyrillic, Hebrew and Arabic letters.
_SETS = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf"),
    ("Arial Unicode.ttf", "Arial Bold.ttf", "Courier New Bold.ttf"),
)
#: Fonts with Chinese, Japanese and Korean letters, where the machine has one.
_FALLBACKS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
)


@dataclass(frozen=True)
class Fonts:
    """Files of fonts."""

    regular: Path
    bold: Path
    fixed: Path
    more: tuple[Path, ...] = ()
    """For letters that the others lack."""


def find_fonts(folders: Sequence[str] = _FOLDERS) -> Fonts | None:
    """Returns fonts of this machine; None where it has none of those known here."""
    found = next(_complete(folders), None)
    if found is None:
        return None
    more = tuple(path for name in _FALLBACKS if (path := Path(name)).is_file())
    return Fonts(*found, more)


def _complete(folders: Sequence[str]) -> Iterator[tuple[Path, Path, Path]]:
    for folder in folders:
        for regular, bold, fixed in _SETS:
            paths = (Path(folder) / regular, Path(folder) / bold, Path(folder) / fixed)
            if all(path.is_file() for path in paths):
                yield paths
