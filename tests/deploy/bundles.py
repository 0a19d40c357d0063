"""Small bundles, and a machine with a Docker Engine that only writes down what it is asked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.sources import DEPLOY, module

stream = module("bundling/stream.py")
SIZE = 2000

DOCKER = """#!/bin/sh
case "$1" in
  version) [ -e "$STATE/dead" ] && exit 1; cat "$STATE/arch" ;;
  compose) echo v2 ;;
  info) echo "$STATE" ;;
  image) grep -q "$5" "$STATE/images" 2>/dev/null && echo "sha256:1" ;;
  load) cat > /dev/null; echo km3net/hub:1.0.0 > "$STATE/images"; echo load >> "$STATE/log" ;;
  tag) echo "tag $2 $3" >> "$STATE/log" ;;
esac
"""
#: Stands for bootstrap.py, which is tested with the real bundle.
BOOTSTRAP = """
import pathlib
root = pathlib.Path(__file__).resolve().parents[2]
program = root / ".venv" / "bin" / "km3up"
program.parent.mkdir(parents=True, exist_ok=True)
program.write_text('#!/bin/sh\\nmkdir -p .platform\\necho "$@" >> .platform/started\\n')
program.chmod(0o755)
"""


def packed(entries: list[tarfile.TarInfo | tuple[str, bytes]]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                tar.addfile(entry)
            else:
                info = tarfile.TarInfo(entry[0])
                info.size = len(entry[1])
                tar.addfile(info, io.BytesIO(entry[1]))
    return content.getvalue()


def source(word: str, *more: Any) -> bytes:
    files = [("platform/launcher/bootstrap.py", BOOTSTRAP.encode()), ("README.md", word.encode())]
    return packed([*files, *more])


def write(path: Path, *, files: bytes, wheels: bytes | None = None, **changes: Any) -> Path:
    code = (DEPLOY / "bundling" / "install.py").read_bytes()
    shell = (DEPLOY / "bundling" / "km3net-install").read_text()
    shell = shell.replace("@PYTHONS@", " ".join(changes.get("pythons", ["3.11", "3.12", "3.13"])))
    shell = shell.replace("@SHA256@", hashlib.sha256(code).hexdigest())
    with path.open("wb") as file:
        writer = stream.BundleWriter(file)
        for name, content in (
            ("km3net-install", shell.encode()),
            ("install.py", code),
            (
                "wheels.tar",
                packed([("a-1-py3-none-any.whl", b"wheel")]) if wheels is None else wheels,
            ),
        ):
            with writer.part(name) as part:
                part.write(content)
        for name, content in (("source.tar.gz", files), ("images.tar.gz", os.urandom(SIZE))):
            with writer.compressed(name) as part:
                part.write(content)
        manifest = {
            "format": 1,
            "version": "1.0.0",
            "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
            "pythons": ["3.11", "3.12", "3.13"],
            "images": {"km3net/hub:1.0.0": "sha256:1"},
            "unpacked": dict.fromkeys(("images.tar.gz", "source.tar.gz", "wheels.tar"), 100000),
            "environment": 1000,
            "parts": dict(writer.parts),
            **changes,
        }
        with writer.part("manifest.json") as part:
            part.write(json.dumps(manifest).encode())
        writer.close()
    return path


@dataclass(frozen=True)
class Host:
    folder: Path

    @property
    def to(self) -> Path:
        return self.folder / "installed"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def install(self, bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
        script = self.folder / "km3net-install"
        with tarfile.open(bundle) as tar, script.open("wb") as file:
            content = tar.extractfile("km3net-install")
            assert content
            file.write(content.read())
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["sh", script, bundle, "--to", self.to, *options],
            env={**os.environ, "PATH": path, "STATE": str(self.state)},
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def log(self) -> list[str]:
        file = self.state / "log"
        return file.read_text().splitlines() if file.exists() else []


def make_host(folder: Path) -> Host:
    (folder / "bin").mkdir()
    (folder / "state").mkdir()
    docker = folder / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    arch = "amd64" if os.uname().machine == "x86_64" else "arm64"
    (folder / "state" / "arch").write_text(arch)
    return Host(folder)
