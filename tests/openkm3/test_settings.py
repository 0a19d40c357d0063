"""Which server and which cache: argument, environment, file, default, in this order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("platformdirs", reason="needs platformdirs: run it in the science environment")

from openkm3.errors import ConfigurationError
from openkm3.settings import PUBLIC_SERVER, Settings


def configure(text: str) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "openkm3" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_each_comes_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.find().server == PUBLIC_SERVER
    configure('server = "https://file.example/"\ncache = "/var/file"\n')
    assert Settings.find() == Settings("https://file.example", Path("/var/file"))
    monkeypatch.setenv("OPENKM3_SERVER", "http://127.0.0.1:8000/odc/")
    monkeypatch.setenv("OPENKM3_CACHE", "/var/environment")
    assert Settings.find() == Settings("http://127.0.0.1:8000/odc", Path("/var/environment"))
    found = Settings.find("https://argument.example/catalog.json", "/var/argument")
    assert found == Settings("https://argument.example", Path("/var/argument"))


def test_a_file_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENKM3_CONFIG", str(tmp_path / "own.toml"))
    with pytest.raises(ConfigurationError, match="there is no such file"):
        Settings.find()
    (tmp_path / "own.toml").write_text('server = "https://own.example"')
    assert Settings.find().server == "https://own.example"


@pytest.mark.parametrize("server", ["opendata.km3net.de", "ftp://x", "file:///etc", "http://", " "])
def test_anything_but_a_web_address_is_refused(server: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a web address; write"):
        Settings.find(server)


@pytest.mark.parametrize("text", ["server = 3", "server = ", 'server = ""', "\x00"])
def test_a_wrong_file_is_named(text: str) -> None:
    configure(text)
    with pytest.raises(ConfigurationError, match=r"config\.toml"):
        Settings.find()
