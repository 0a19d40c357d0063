"""Names in any script, and unexpected faults: a file or one sentence, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("click", reason="needs click: run it in the science environment")
pytest.importorskip("astropy", reason="needs astropy: run it in the science environment")
pytest.importorskip("h5py", reason="needs h5py: run it in the science environment")
pytest.importorskip("pyarrow", reason="needs pyarrow: openkm3[parquet]")

from astropy.table import Table
from click.testing import CliRunner

from openkm3 import formats
from openkm3.cli import main
from openkm3.formats import DataSet, read, write

SUFFIXES = (".h5", ".fits", ".vot", ".ecsv", ".parquet")
COLUMNS = ("größe", "ω", "a b", 'q"uote', "it's", "new\nline", "😀", "x" * 80, "1", ",", "#")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_in_any_letters(tmp_path: Path, suffix: str) -> None:
    write(DataSet({"events": Table({name: [1.0] for name in COLUMNS})}), tmp_path / "a.ecsv")
    command = ["convert", str(tmp_path / "a.ecsv"), str(tmp_path / f"b{suffix}")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    (table,) = read(tmp_path / f"b{suffix}").data_tables.values()
    assert tuple(table.colnames) == COLUMNS


NAMES = ["größe", 'q"uote', "it's", "new\nline", "😀", " ", "-x", "a%20b", os.fsdecode(b"bad\xff")]


@pytest.mark.parametrize("name", NAMES)
def test_files_of_any_name(tmp_path: Path, name: str) -> None:
    source = tmp_path / f"{name}.ecsv"
    write(DataSet({"events": Table({"größe": [1.0]})}), source)
    for suffix in SUFFIXES:
        target = tmp_path / f"{name}-2{suffix}"
        result = CliRunner().invoke(main, ["convert", str(source), str(target)])
        assert result.exit_code == 0, result.output
        assert len(read(target).main_table()[1]) == 1


def test_a_file_name_that_is_not_text_can_be_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.h5")
    write(DataSet({"events": Table({"größe": [1.0]})}), tmp_path / name)
    command = [sys.executable, "-m", "openkm3", "info", "--json", name]
    environment = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tables"]["events"]["rows"] == 1


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    write(DataSet({"events": Table({"x": [1.0]})}), tmp_path / "a.ecsv")
    target = tmp_path / f"{'x' * 300}.fits"
    result = CliRunner().invoke(main, ["convert", str(tmp_path / "a.ecsv"), str(target)])
    assert result.exit_code == 2
    assert "cannot be written: File name too long" in result.output
    result = CliRunner().invoke(main, ["info", str(target)])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_fault_nobody_thought_of_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("first line\nsecond line")

    monkeypatch.setattr(formats, "convert", broken)
    command = ["convert", str(tmp_path / "a.h5"), str(tmp_path / "b.h5")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "unexpected ZeroDivisionError: first line" in result.output
    assert "--debug" in result.output
    assert isinstance(CliRunner().invoke(main, ["--debug", *command]).exception, ZeroDivisionError)
