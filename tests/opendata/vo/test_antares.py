"""The file of ANTARES' events."""

from __future__ import annotations

from pathlib import Path

import pytest

from adqlite import MetadataError
from opendata.vo import antares


def test_a_broken_file_of_events_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.data").write_text("1 2 3 4 5\n1 2 three 4 5\n")
    with pytest.raises(MetadataError, match="line 2"):
        antares.read(tmp_path / "x.data")
