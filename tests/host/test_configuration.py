"""Configuration files with faults end in one sentence that names the file and the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from km3host.cli import cli
from km3host.configuration import load
from km3host.errors import ConfigurationError
from km3host.verify.settings import VerifySettings
from tests.host.test_verify import USUAL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ("null", "is not a JSON object"),
        ("{}", 'missing value for field "folder"'),
        (json.dumps(USUAL | {"port": "443"}), '"port"'),
        (json.dumps(USUAL | {"web": []}), '"web"'),
        (json.dumps(USUAL | {"units": "docker"}), '"units"'),
        (json.dumps(USUAL | {"units": [1]}), '"units"'),
        (json.dumps(USUAL | {"certificate_days": "14"}), '"certificate_days"'),
        (json.dumps(USUAL | {"folder": None}), '"folder"'),
        (b"\xff\xfe", "is not a text file"),
    ],
)
@pytest.mark.parametrize("command", [["verify"], ["backup"]])
def test_fault_is_reported_without_a_traceback(
    tmp_path: Path, text: Any, words: str, command: list[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as error:
        load(file, VerifySettings)
    assert str(file) in error.value.message
    assert words in error.value.message
    more = ["list"] if command == ["backup"] else []
    done = CliRunner().invoke(cli, [*command, "--configuration", str(file), *more])
    assert done.exit_code == 1
    assert done.output.startswith(f"km3host: {file}")
    assert "run the playbook site" in done.output


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*none\.json \(No such file"):
        load(tmp_path / "none.json", VerifySettings)


def test_numbers_may_be_whole_and_later_keys_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(USUAL | {"certificate_days": 14, "of_a_newer_release": 1}))
    assert load(file, VerifySettings).certificate_days == 14.0
