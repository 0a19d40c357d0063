"""An earlier release of the platform beside this checkout, to be measured in turn with it.

Single seconds depend on the machine and on what else it does. What is compared with a release
therefore runs in turn with the release's own code, in images of its own label, within one run.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.commands import run
from tests.e2e.platforms import ROOT

__all__ = ["REFERENCE", "Release", "provide"]

#: The release that this checkout is compared with: a tag or a commit.
REFERENCE = os.environ.get("BENCH_RELEASE", "v0.1.0")
_FOLDER = ROOT / ".platform" / "bench"
#: Its images in the order in which they are built: name, folder, target and parent.
_IMAGES = (
    ("base-system", "base", "system", "debian:trixie-slim"),
    ("proxy", "proxy", "", "base-system"),
    ("firewall", "firewall", "", "base-system"),
    ("hub", "hub", "", "base-system"),
    ("stack", "stack", "", "base-system"),
)
#: Named by these variables of the launcher.
_SERVICES = ("hub", "proxy", "firewall")


@dataclass(frozen=True)
class Release:
    """A checkout of an earlier release, with an environment and images of its own."""

    reference: str
    checkout: Path

    @property
    def command(self) -> tuple[str, ...]:
        """The release's own `km3hub`, which starts its images."""
        names = [f"KM3_IMAGE_{name.upper()}={self.image(name)}" for name in _SERVICES]
        return ("env", *names, str(self.checkout / ".venv" / "bin" / "km3hub"))

    @property
    def settings(self) -> str:
        """The release's settings: users' servers from its own image, no portal."""
        return (
            "environments:\n"
            f"  - {{name: stack, title: Stack, image: '{self.image('stack')}'}}\n"
            "services: {opendata: {enabled: false}}\n"
        )

    def image(self, name: str) -> str:
        """One of its images, under a label that no build of a checkout uses."""
        return f"km3net/{name}:bench-{self.reference}"


def provide() -> Release:
    """Check out the release, install its launcher and build its images; what is there is kept."""
    release = Release(REFERENCE, _FOLDER / REFERENCE)
    if not (release.checkout / ".git").exists():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        run("git", "clone", "--quiet", "--no-checkout", ROOT, release.checkout)
    run("git", "checkout", "--quiet", "--detach", REFERENCE, cwd=release.checkout)
    run("make", ".hub", cwd=release.checkout, env=_plain_environment())
    # The site's certificates, which `make images` has collected for this checkout.
    shutil.copytree(
        ROOT / "images" / "base" / "certs",
        release.checkout / "images" / "base" / "certs",
        dirs_exist_ok=True,
    )
    for name, folder, target, parent in _IMAGES:
        _build(release, name, folder, target, parent)
    return release


def _build(release: Release, name: str, folder: str, target: str, parent: str) -> None:
    """Build one image as the release's `make images` does, without its moving labels."""
    file = release.checkout / "images" / folder / "Dockerfile"
    if target:
        parts = ["--target", target, "--build-arg", f"BASE_IMAGE={parent}"]
    else:
        parts = ["--build-arg", f"BASE={release.image(parent)}"]
    for variable in ("http_proxy", "https_proxy", "no_proxy"):
        for spelling in (variable, variable.upper()):
            if os.environ.get(spelling):
                parts += ["--build-arg", f"{spelling}={os.environ[spelling]}"]
    build = ["docker", "build", "--quiet", "--file", file, "--tag", release.image(name), *parts]
    run(*build, release.checkout, timeout=1800)


def _plain_environment() -> dict[str, str]:
    """The environment without what `make bench` of this checkout put into it."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
