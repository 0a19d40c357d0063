"""The bundle for machines without network: installed completely, or nothing is changed."""

from __future__ import annotations

import importlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.bundles import Host, make_host, packed, source, stream, write

install = importlib.import_module("bundling.install")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return make_host(tmp_path)


def refused(host: Host, bundle: Path, words: str, *options: str) -> None:
    before = sorted(host.to.rglob("*")) if host.to.exists() else None
    done = host.install(bundle, *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("Refused: ")
    assert done.stderr.endswith("Nothing was changed.\n")
    assert len(done.stderr.strip().splitlines()) == 1
    assert host.log() == []
    assert (sorted(host.to.rglob("*")) if host.to.exists() else None) == before


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_parts_are_streamed_into_an_ordinary_tar_file(tmp_path: Path) -> None:
    with (tmp_path / "some.tar").open("wb") as file:
        writer = stream.BundleWriter(file)
        with writer.part("one") as part:
            part.write(b"x" * 511)
            part.write(b"yy")
        with writer.compressed("two.gz") as part:
            part.write(b"z" * 10_000)
        assert part.size == 10_000
        writer.close()
    with tarfile.open(tmp_path / "some.tar") as tar:
        one = tar.extractfile("one")
        assert one
        assert one.read() == b"x" * 511 + b"yy"
        assert tar.getnames() == ["one", "two.gz"]
        assert tar.getmember("two.gz").size == writer.parts["two.gz"]["size"] < 200


def test_a_bundle_is_installed_and_the_platform_started(host: Host, tmp_path: Path) -> None:
    done = host.install(write(tmp_path / "b.tar", files=source("new")), "--port", "8123")
    assert done.returncode == 0, done.stderr
    assert host.log() == ["load", "tag km3net/hub:1.0.0 km3net/hub:latest"]
    assert (host.to / ".platform" / "started").read_text() == "up --mode=docker --port=8123\n"
    assert (host.to / "wheels" / "a-1-py3-none-any.whl").read_bytes() == b"wheel"
    assert json.loads((host.to / ".bundle.json").read_text())["complete"] is True


def test_installing_again_loads_no_image_twice(host: Host, tmp_path: Path) -> None:
    bundle = write(tmp_path / "b.tar", files=source("new"))
    assert host.install(bundle).returncode == 0
    assert host.install(bundle).returncode == 0
    assert host.log().count("load") == 1


def test_an_upgrade_keeps_data_settings_and_what_people_changed(host: Host, tmp_path: Path) -> None:
    old = write(tmp_path / "old.tar", files=source("old", ("gone.txt", b"")))
    assert host.install(old).returncode == 0
    (host.to / "config").mkdir()
    (host.to / "config" / "platform.yaml").write_text("site: {name: Mine}")
    (host.to / ".platform" / "data").write_text("precious")
    (host.to / "README.md").write_text("changed here")
    new = write(tmp_path / "new.tar", files=source("new"), version="1.10.0")
    assert host.install(new).returncode == 0
    assert (host.to / "config" / "platform.yaml").read_text() == "site: {name: Mine}"
    assert (host.to / ".platform" / "data").read_text() == "precious"
    assert (host.to / "README.md").read_text() == "new"
    assert (host.to / ".previous" / "README.md").read_text() == "changed here"
    assert not (host.to / "gone.txt").exists()
    done = host.install(old)
    assert "has version 1.10.0, which is newer" in done.stderr
    assert (host.to / "README.md").read_text() == "new"


def test_an_interrupted_upgrade_continues_and_loses_nothing(host: Host, tmp_path: Path) -> None:
    assert host.install(write(tmp_path / "old.tar", files=source("old"))).returncode == 0
    (host.to / "README.md").write_text("changed here")
    record = host.to / ".bundle.json"
    # As if the power had failed after the first file.
    (host.to / ".previous").mkdir(exist_ok=True)
    (host.to / "README.md").rename(host.to / ".previous" / "README.md")
    record.write_text(json.dumps({**json.loads(record.read_text()), "complete": False}))
    assert host.install(write(tmp_path / "new.tar", files=source("new"))).returncode == 0
    assert (host.to / "README.md").read_text() == "new"
    assert (host.to / ".previous" / "README.md").read_text() == "changed here"


@pytest.mark.parametrize("part", ["install.py", "source.tar.gz", "wheels.tar", "images.tar.gz"])
def test_a_damaged_part_is_refused(host: Host, tmp_path: Path, part: str) -> None:
    bundle = write(tmp_path / "b.tar", files=source("new"))
    with tarfile.open(bundle) as tar:
        place = tar.getmember(part).offset_data + tar.getmember(part).size // 2
    with bundle.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))
    refused(host, bundle, f"{part} in {bundle} is damaged")


def test_an_incomplete_copy_is_refused(tmp_path: Path) -> None:
    bundle = write(tmp_path / "b.tar", files=source("new"))
    whole = bundle.read_bytes()
    for size in (len(whole) // 3, len(whole) - 4096, 100, 0):
        bundle.write_bytes(whole[:size])
        with pytest.raises(install.Refused, match="copy it again"):
            install.Bundle.read(bundle)


@pytest.mark.parametrize(
    "entry",
    [
        ("../outside", b"x"),
        ("/tmp/km3-outside", b"x"),
        ("a/../../outside", b"x"),
        (".platform/secrets", b"x"),
        ("config/platform.yaml", b"x"),
        (".venv/bin/python", b"x"),
        link("a", "/etc"),
        link("a", "README.md", tarfile.LNKTYPE),
        link("a", "", tarfile.FIFOTYPE),
        link("a", "", tarfile.CHRTYPE),
    ],
)
def test_files_outside_links_and_devices_are_refused(tmp_path: Path, entry: Any) -> None:
    bundle = install.Bundle.read(write(tmp_path / "b.tar", files=source("new", entry)))
    with pytest.raises(install.Refused, match="which is not allowed"):
        list(bundle.files("source.tar.gz"))


def test_a_part_larger_than_announced_is_refused(host: Host, tmp_path: Path) -> None:
    bundle = write(tmp_path / "b.tar", files=source("new", ("big", bytes(200_000))))
    refused(host, bundle, "larger than announced")


@pytest.mark.parametrize("name", ["../a.whl", "x/a.whl", "setup.py"])
def test_only_wheels_are_among_the_wheels(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "b.tar", files=source("new"), wheels=packed([(name, b"")]))
    with pytest.raises(install.Refused, match="which is not allowed"):
        list(install.Bundle.read(file).files("wheels.tar"))


def test_unknown_parts_are_refused(host: Host, tmp_path: Path) -> None:
    bundle = write(tmp_path / "b.tar", files=source("new"))
    with tarfile.open(bundle, "a") as tar:
        tar.addfile(tarfile.TarInfo("more"), io.BytesIO())
    refused(host, bundle, "which is not a part of it")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "s390x"}, "the bundle is for s390x, and this machine is"),
        ({"environment": 10**16}, "GB are needed"),
        ({"pythons": ["3.99"]}, "needs Python 3.99 (one of them), and this machine has"),
        ({"format": 2}, "has a format that its own installer does not know"),
    ],
)
def test_machines_that_do_not_fit_are_refused(
    host: Host, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    refused(host, write(tmp_path / "b.tar", files=source("new"), **change), words)


def test_without_an_engine_it_is_refused(host: Host, tmp_path: Path) -> None:
    (host.state / "dead").touch()
    bundle = write(tmp_path / "b.tar", files=source("new"))
    refused(host, bundle, "no Docker Engine answers; install and start one")


def test_a_folder_with_other_files_is_left_alone(host: Host, tmp_path: Path) -> None:
    host.to.mkdir()
    (host.to / "thesis.tex").touch()
    refused(host, write(tmp_path / "b.tar", files=source("new")), "already contains other files")


def test_check_changes_nothing(host: Host, tmp_path: Path) -> None:
    done = host.install(write(tmp_path / "b.tar", files=source("new")), "--check")
    assert "This bundle can be installed here." in done.stdout
    assert host.log() == []
    assert not host.to.exists()
