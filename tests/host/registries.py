"""A registry as the role `registry` sets it up, and cosign of Debian 13."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.commands import run
from tests.host.machines import docker
from tests.ports import free_ports
from tests.waiting import wait_until

PASSWORD = "of-the-tests"
#: Of that password, as `htpasswd -nbB` makes it.
_HASH = "$2y$05$abcdefghijklmnopqrstuuuZed5HUPv8ETIZGTOl1S2yYkDII01Ei"
#: Of the keys that tests make.
KEY_PASSWORD = "a-password-of-this-test"
_DEBIAN = "km3net-test/cosign"


@dataclass(frozen=True)
class Served:
    """A registry that runs, and the images that were pushed to it."""

    address: str
    folder: Path
    authority: Path

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def push(self, name: str) -> str:
        """Push a new small image with the engine; returns the digest of its manifest."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            text = os.urandom(32)
            entry = tarfile.TarInfo("content")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        target = f"{self.address}/{name}:1"
        subprocess.run(["docker", "import", "-", target], input=content.getvalue(), check=True)
        with self.login() as environment:
            run("docker", "push", "--quiet", target, env=environment)
        found = json.loads(docker("image", "inspect", "--format={{json .RepoDigests}}", target))
        (digest,) = (d.partition("@")[2] for d in found if d.startswith(f"{self.address}/{name}@"))
        docker("image", "rm", "--force", target, f"{self.address}/{name}@{digest}")
        return str(digest)

    @contextmanager
    def login(self) -> Iterator[dict[str, str]]:
        """The environment of programs that read Docker's logins."""
        account = b64encode(f"km3net:{PASSWORD}".encode()).decode()
        folder = self.folder / "login"
        folder.mkdir(exist_ok=True)
        logins = {"auths": {self.address: {"auth": account}}}
        (folder / "config.json").write_text(json.dumps(logins))
        yield os.environ | {"DOCKER_CONFIG": str(folder), "COSIGN_PASSWORD": KEY_PASSWORD}

    def cosign(self, *words: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run cosign with the login; files below `folder` are the same for it."""
        with self.login() as environment:
            command = [*cosign_command(self.folder), *words]
            return run(*command, status=status, env=environment, cwd=self.folder)

    def image(self, name: str, digest: str) -> str:
        return f"{self.address}/{name}@{digest}"


def cosign_command(folder: Path) -> list[str]:
    """Return how cosign is called here: from the PATH, or in a container of Debian 13."""
    if shutil.which("cosign"):
        return ["cosign"]
    lines = ["FROM km3net/base", "USER 0", "RUN km3-packages cosign", "ENTRYPOINT []"]
    build = ["docker", "build", "--quiet", "--tag", _DEBIAN, "-"]
    made = subprocess.run(build, input="\n".join(lines), text=True, capture_output=True)
    if made.returncode:
        pytest.skip(
            "there is no cosign: on Debian 13 run apt install cosign; elsewhere make images, and"
            f" reach Debian's packages ({made.stderr.strip()[-200:]})"
        )
    options = ["--rm", "--network=host", f"--volume={folder}:{folder}", f"--workdir={folder}"]
    passed = [f"--env={name}" for name in ("COSIGN_PASSWORD", "DOCKER_CONFIG")]
    return ["docker", "run", *options, *passed, _DEBIAN, "cosign"]


@contextmanager
def registry(folder: Path) -> Iterator[Served]:
    """Debian's docker-registry on a loopback address, with a certificate and a password."""
    if not shutil.which("docker-registry"):
        pytest.skip("there is no docker-registry: make tools")
    address = f"127.0.0.1:{free_ports(1)}"
    certificate, private = folder / "ca.crt", folder / "tls.key"
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", private, "-out", certificate, "-subj", "/CN=The platform's registry",
        "-addext", "subjectAltName=IP:127.0.0.1",
    )  # fmt: skip
    (folder / "htpasswd").write_text(f"km3net:{_HASH}\n")
    (folder / "password").write_text(f"{PASSWORD}\n")
    settings = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {
            "addr": address,
            "tls": {"certificate": str(certificate), "key": str(private)},
        },
        "auth": {"htpasswd": {"realm": "km3net", "path": str(folder / "htpasswd")}},
    }
    # YAML reads JSON.
    (folder / "registry.yml").write_text(json.dumps(settings))
    log = (folder / "registry.log").open("w")
    command = ["docker-registry", "serve", str(folder / "registry.yml")]
    with log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(
                lambda: httpx.get(f"https://{address}/v2/", verify=False).status_code == 401,  # noqa: S501
                seconds=30,
                what=lambda: f"the registry answers: {(folder / 'registry.log').read_text()}",
                ignoring=httpx.TransportError,
            )
            yield Served(address, folder, certificate)
        finally:
            process.terminate()
