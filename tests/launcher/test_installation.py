"""What embedded mode installs, in which order, and that compiling it can wait."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from km3settings.settings import parse
from km3settings.state import State
from km3up.environments import OWN, Installer
from km3up.failure import Failure
from km3up.installation import Installation
from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "platform" / "locks"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment `opendata` is one package of the real lock."""
    folder = tmp_path / "checkout"
    (folder / "platform" / "locks").mkdir(parents=True)
    shutil.copyfile(LOCKS / "uv.txt", folder / "platform" / "locks" / "uv.txt")
    click = re.search(r"^click==.*?(?=^\S)", (LOCKS / "opendata.txt").read_text(), re.M | re.S)
    assert click
    block = re.sub(r"^ *#.*\n", "", click[0], flags=re.MULTILINE)
    (folder / "platform" / "locks" / "opendata.txt").write_text(block)
    for part in OWN["opendata"]:
        shutil.copytree(ROOT / "platform" / part, folder / "platform" / part)
    return folder


def compiled(environment: Path) -> list[Path]:
    return list(environment.glob("lib/python3*/site-packages/click/__pycache__/core.*.pyc"))


def test_an_environment_works_before_it_is_compiled_and_is_compiled_later(
    checkout: Path, tmp_path: Path
) -> None:
    installer = Installer(root=checkout, folder=tmp_path / "envs")
    assert installer.packages("opendata") == 1
    installer.install("opendata")
    assert installer.is_current("opendata")
    assert not installer.is_compiled("opendata")
    assert not compiled(tmp_path / "envs" / "opendata")
    python = tmp_path / "envs/opendata/bin/python"
    run(python, "-B", "-c", "import click")
    installer.compile("opendata")
    assert installer.is_compiled("opendata")
    assert compiled(tmp_path / "envs" / "opendata")


def test_packages_for_other_systems_are_not_counted(checkout: Path, tmp_path: Path) -> None:
    lock = checkout / "platform/locks/opendata.txt"
    lock.write_text(lock.read_text() + "colorama==0.4.6 ; sys_platform == 'win32' \\\n")
    assert Installer(root=checkout, folder=tmp_path).packages("opendata") == 1


def test_a_changed_lock_is_compiled_again(checkout: Path, tmp_path: Path) -> None:
    installer = Installer(root=checkout, folder=tmp_path / "envs")
    installer.install("opendata")
    installer.compile("opendata")
    lock = checkout / "platform/locks/opendata.txt"
    lock.write_text(lock.read_text() + "# changed\n")
    assert not installer.is_current("opendata")
    assert not installer.is_compiled("opendata")


def test_the_first_login_needs_the_first_environment_only(tmp_path: Path) -> None:
    state = State(tmp_path)
    installation = Installation(root=ROOT, state=state, settings=parse({}), say=print)
    assert installation.pending == ["joint"]


def test_an_environment_without_a_lock_is_refused_before_anything_is_installed(
    tmp_path: Path,
) -> None:
    settings = parse({"environments": [{"name": "mine", "title": "Mine", "image": "mine"}]})
    with pytest.raises(Failure, match=r"there is no lock platform/locks/mine\.txt"):
        Installation(root=ROOT, state=State(tmp_path), settings=settings, say=print)
    assert not list(tmp_path.iterdir())
