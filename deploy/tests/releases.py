"""Releases for the drills: the archive that is there, with another hub in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from deploy.tests.containers import docker
from deploy.tests.site import DEPLOY
from tests.deploy.sources import module

archive = module("archive.py")


def with_hub(folder: Path, name: str, *instructions: str) -> Path:
    """An archive whose hub is the present one with more instructions of a Dockerfile."""
    known = json.loads((DEPLOY / "archive" / "images.json").read_text())["images"]
    present = known["km3net/hub"]
    source = present["id"]
    if docker("image", "inspect", source, check=False).returncode:
        docker("load", "--input", str(DEPLOY / "archive" / present["file"]))
    tag = f"{present['tag'].split('-')[0]}-{name}"
    text = "\n".join([f"FROM {source}", *instructions])
    build = ["docker", "build", "--quiet", "--tag", f"km3net/hub:{tag}", "-"]
    subprocess.run(build, input=text, text=True, check=True, capture_output=True)
    image = archive.inspect(f"km3net/hub:{tag}")["Id"]
    folder.mkdir()
    for entry in known.values():
        (folder / entry["file"]).symlink_to(DEPLOY / "archive" / entry["file"])
    file = folder / f"hub-{name}.tar.gz"
    archive.save(f"km3net/hub:{tag}", file)
    docker("image", "rm", f"km3net/hub:{tag}")
    known["km3net/hub"] = present | {
        "tag": tag,
        "id": image,
        "file": file.name,
        "sha256": archive.digest(file),
    }
    (folder / "images.json").write_text(json.dumps({"images": known}))
    return folder
