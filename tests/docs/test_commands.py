"""What the documentation tells people to type exists: targets, options, paths, images."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.docs.commands import ROOT, Command, mentioned, typed

ALL = sorted({*typed(), *mentioned()}, key=lambda command: (command.page, command.text))

#: A word in capitals stands for what the reader puts there.
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9-]*(\|[A-Z]+)?|\.\.\.|[|,/]")


def placeholder(word: str) -> bool:
    return _PLACEHOLDER.fullmatch(word.strip("[]")) is not None


def entry_points() -> dict[str, str]:
    """The programs of our distributions, with where they are."""
    found: dict[str, str] = {}
    for file in ROOT.glob("platform/*/pyproject.toml"):
        found |= tomllib.loads(file.read_text(encoding="utf-8"))["project"].get("scripts", {})
    return found


def group(program: str) -> click.Command:
    """The command line of a program, also where a function that handles failures calls it."""
    module, _, attribute = entry_points()[program].partition(":")
    names = vars(import_module(module))
    found = [names[name] for name in (attribute, "cli", "main") if name in names]
    return next(item for item in found if isinstance(item, click.Command))


def targets() -> set[str]:
    text = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "Makefile", ROOT / "deploy/deploy.mk")
    )
    return set(re.findall(r"^([a-z-]+):", text, flags=re.MULTILINE))


def check_make(words: list[str]) -> None:
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            assert placeholder(word) or word in targets(), f"no target {word!r}"
        elif name == "TESTS":
            check_pytest(value.split())
        elif name == "PLAY":
            assert (ROOT / "deploy/playbooks" / f"{value}.yml").exists(), f"no playbook {value}"
        elif name == "BENCH":
            for bench in value.split():
                assert (ROOT / "tests/bench" / f"{bench}.py").exists(), f"no bench {bench}"
        elif name == "IMAGES":
            for image in value.split():
                assert placeholder(image) or (ROOT / "images" / image).is_dir(), f"no image {image}"
        elif name == "MODE":
            assert value in ("embedded", "docker", "auto")


def check_pytest(words: list[str]) -> None:
    for word in words:
        if "/" in word:
            assert (ROOT / word.partition("::")[0]).exists(), f"{word} does not exist"


def check_docker(words: list[str]) -> None:
    for word in words:
        if word.startswith("km3net/"):
            folder = ROOT / "images" / word.removeprefix("km3net/")
            assert (folder / "Dockerfile").exists(), f"there is no image {word}"


def check_click(program: str, words: list[str]) -> None:
    if program == "km3hub" and words[:1] == ["tutorials"]:
        program = "km3lab"  # in users' servers, which have it under both names
    command = group(program)
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group) and words and not placeholder(words[0]):
        if words[0].startswith("-"):
            words = words[1:]
            continue
        for name in words[0].replace("\\", "").split("|"):
            found = command.get_command(context, name.strip(","))
            assert found is not None, f"{program} has no command {name!r}"
        command, words = found, words[1:]
        if words and words[0] in ("/", "|"):
            return
    if isinstance(command, click.Group):
        return
    options = {name for option in command.params for name in option.opts + option.secondary_opts}
    for word in words:
        name = word.strip("[]").partition("=")[0]
        if name.startswith("--") and name != "--help":
            assert name in options, f"{program} {command.name} has no option {name}"


@pytest.mark.parametrize("command", ALL, ids=lambda command: f"{command.page}: {command.text}")
def test_every_command_of_the_documentation_exists(command: Command) -> None:
    program, *words = command.words
    if program == "make":
        check_make(words)
    elif program == "pytest":
        check_pytest(words)
    elif program == "docker":
        check_docker(words)
    elif program in entry_points():
        check_click(program, words)
    else:
        # Another program: of the environment, of the deployment, or of every system.
        known = ("git", "cp", "cat", "ssh-keygen", "python", "python3", "pip", "km3net-verify")
        known += ("km3net-backup", "nbstripout", "pre-commit", "towncrier", "cd", "curl", "df")
        known += ("openssl", "echo", "mkfs.xfs", "mount", "sh", "sha256sum", "tar", "cadaver")
        known += ("rclone", "export")
        local = (Path(sys.prefix) / "bin" / program).exists()
        assert local or program in known, f"{program} is not installed with the platform"
