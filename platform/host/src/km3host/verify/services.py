"""Checks of what runs: services, containers, images."""

from __future__ import annotations

import json

from km3host.programs import run
from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings

__all__ = ["containers", "images", "services"]

#: Containers whose image has another name.
_IMAGES = {"net": "proxy", "keeper": "hub"}


def services(settings: VerifySettings) -> str:
    """Services of systemd run and start at boot."""
    for unit in settings.units:
        if run("systemctl", "is-active", "--quiet", unit).returncode:
            raise CheckFailed(f"the service {unit} does not run: see journalctl -u {unit}")
        if run("systemctl", "is-enabled", "--quiet", unit).returncode:
            raise CheckFailed(f"{unit} will not start after a reboot: systemctl enable {unit}")
    return f"{len(settings.units)} services are running"


def containers(settings: VerifySettings) -> str:
    """The platform's containers run, are healthy and have the recorded images."""
    for service in settings.services:
        name = f"{settings.project}-{service}"
        found = run("docker", "inspect", name)
        if found.returncode:
            raise CheckFailed(f"the container {name} is missing: run the playbook site")
        container = json.loads(found.stdout)[0]
        state = container["State"]
        health = (state.get("Health") or {}).get("Status", "healthy")
        if not state["Running"] or health == "unhealthy":
            status = health if state["Running"] else state["Status"]
            raise CheckFailed(f"the container {name} is {status}: see docker logs {name}")
        image = f"km3net/{_IMAGES.get(service, service)}"
        if container["Image"] != settings.images[image].id:
            raise CheckFailed(f"{name} does not run the recorded image: run the playbook site")
    return f"{len(settings.services)} containers are running"


def images(settings: VerifySettings) -> str:
    """The recorded images are on this machine."""
    for name, image in settings.images.items():
        found = run("docker", "image", "inspect", f"{name}:{image.tag}")
        if found.returncode or json.loads(found.stdout)[0]["Id"] != image.id:
            raise CheckFailed(f"the image {name}:{image.tag} is missing: run the playbook site")
    return f"all {len(settings.images)} images are present"
