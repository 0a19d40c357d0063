"""Releases for the drills: the present archive, with some of its images rebuilt."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.tests.containers import docker
from deploy.tests.site import ARCHIVE
from tests.deploy.sources import module

archive = module("archive.py")


def release(folder: Path, name: str, changes: Mapping[str, Sequence[str]]) -> Path:
    """Returns an archive whose images are the present ones plus instructions of a Dockerfile."""
    known = json.loads((ARCHIVE / "images.json").read_text())["images"]
    folder.mkdir()
    for entry in known.values():
        (folder / entry["file"]).symlink_to(ARCHIVE / entry["file"])
    for image, instructions in changes.items():
        known[image] = _changed(image, known[image], instructions, folder, name)
    (folder / "images.json").write_text(json.dumps({"images": known}))
    return folder


def _changed(
    image: str, present: Mapping[str, Any], instructions: Sequence[str], folder: Path, name: str
) -> dict[str, Any]:
    source = present["id"]
    if docker("image", "inspect", source, check=False).returncode:
        docker("load", "--input", str(ARCHIVE / present["file"]))
    tag = f"{present['tag'].split('-')[0]}-{name}"
    text = "\n".join([f"FROM {source}", *instructions])
    build = ["docker", "build", "--quiet", "--tag", f"{image}:{tag}", "-"]
    subprocess.run(build, input=text, text=True, check=True, capture_output=True)
    made = archive.inspect(f"{image}:{tag}")["Id"]
    file = folder / f"{image.split('/')[1]}-{name}.tar.gz"
    archive.save(f"{image}:{tag}", file)
    docker("image", "rm", f"{image}:{tag}")
    new = {"tag": tag, "id": made, "file": file.name, "sha256": archive.digest(file)}
    return {**present, **new}
