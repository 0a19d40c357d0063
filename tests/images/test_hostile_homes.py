"""`docker run` with a home full of obstructive files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.images.container import Container, docker
from tests.lab.running import execute
from tests.waiting import wait_until

pytestmark = pytest.mark.docker

Start = Callable[..., Container]
TOKEN = "only-for-this-test"

PLANT = """
set -e
cd ~
for name in random signal token tornado numpy re ipykernel jupyter_server km3hub; do
  echo 'raise SystemExit("of the user")' > "$name.py"
done
site=.local/lib/python3.13/site-packages
mkdir -p "$site" .ipython/profile_default/startup
for name in usercustomize sitecustomize tornado trio zmq; do
  echo 'raise SystemExit("of the user")' > "$site/$name.py"
done
echo 'import sys; sys.exit(3)' > "$site/ends.pth"
echo 'import sys; sys.exit(3)' > .ipython/profile_default/startup/00-ends.py
echo 'exit 3' > .bashrc
echo 'exit 3' > .profile
echo mine > .jupyter
echo mine > .config
echo mine > .ipynb_checkpoints
"""
CLOSED = """
set -e
cd ~
mkdir -p .local/share/jupyter/runtime .jupyter/lab .ipython/profile_default .cache
chmod 500 .local/share/jupyter/runtime .local/share/jupyter .local/share .local
chmod 500 .jupyter/lab .jupyter .ipython/profile_default .ipython .cache
"""
FOREIGN = "mkdir -p /home/km3/.jupyter /home/km3/.local/share /home/km3/.ipython"


@pytest.fixture
def home() -> Iterator[str]:
    """A volume for a user's home."""
    volume = docker("volume", "create").stdout.strip()
    yield volume
    docker("volume", "rm", "--force", volume)


def _said(client: httpx.Client) -> str:
    return " ".join(notice["text"] for notice in client.get("/km3/notices").json()["notices"])


@pytest.mark.parametrize("what", ["files", "access rights", "another owner", "root's"])
def test_server_kernel_and_saving_work(lab: str, home: str, start: Start, what: str) -> None:
    mount = f"--volume={home}:/home/km3"
    before = start(lab, mount, idle=True)
    if what == "another owner":
        docker("exec", "--user=0", before.identity, "sh", "-c", FOREIGN)
    elif what == "root's":
        docker("exec", "--user=0", before.identity, "chown", "root:root", "/home/km3")
    else:
        before.run("bash", "-c", PLANT if what == "files" else CLOSED)
    container = start(
        lab,
        mount,
        "--health-interval=1s",
        "--network=bridge",
        "--publish=127.0.0.1::8888",
        f"--env=JUPYTER_TOKEN={TOKEN}",
    )
    container.wait_until_healthy()
    address = f"http://{docker('port', container.identity, '8888').stdout.split()[0]}/"
    headers = {"Authorization": f"token {TOKEN}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        model = {"type": "notebook", "format": "json", "content": notebook}
        saved = client.put("/api/contents/work.ipynb", json=model)
        assert saved.is_success, saved.text
        kernel = client.post("/api/kernels", json={}).json()["id"]
        assert execute(address, TOKEN, kernel, "print(6 * 7)").strip() == "42"
        assert client.get("/lab/api/settings").is_success
        expected = {
            "files": [f"{name} was put aside" for name in (".jupyter", "ends.pth", "00-ends.py")],
            "root's": [],
        }.get(what, ["cannot be used"])
        # The kernel's notice comes after its first answer.
        wait_until(
            lambda: all(words in _said(client) for words in expected),
            seconds=120,
            what=lambda: f"{expected} in {_said(client)}",
        )
