"""Obstacles in a home to a server's start: renamed, never deleted, and reported in Lab."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from km3lab.notices import Notices

__all__ = ["Mended", "as_settings", "as_workspace", "folder", "json_files", "put_aside", "say"]


@dataclass(frozen=True)
class Mended:
    """One obstacle."""

    name: str
    """As its owner writes it, `~/.jupyter`."""
    why: str
    """What is wrong, worded to follow "because"."""
    renamed: str = ""
    """Its new name; empty if it could not be renamed and something else is used instead."""
    instead: str = ""
    """What is lost while it stays."""


def put_aside(path: Path) -> Path:
    """Rename `path` to the first free `NAME.put-aside-N` beside it.

    Raises
    ------
    OSError
        If its folder does not allow that.
    """
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.put-aside-{number}")):
        number += 1
    return path.rename(aside)


def folder(path: Path, home: Path, instead: str) -> tuple[bool, list[Mended]]:
    """Make sure that `path`, below `home`, is a folder that this process can write to.

    Anything on the path that is not a folder is put aside. Access rights are kept, because their
    owner may want them.

    Parameters
    ----------
    instead
        What is lost if this is impossible, as a sentence.

    Returns
    -------
    tuple
        Whether the folder can be used, and the obstacles.
    """
    found = []
    step = home
    for part in path.relative_to(home).parts:
        step = step / part
        try:
            if os.path.lexists(step) and not step.is_dir():
                renamed = put_aside(step)
                found.append(Mended(_name(step, home), "it is not a folder", renamed.name))
            step.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            return False, [*found, Mended(_name(step, home), _words(error), instead=instead)]
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        why = "it does not belong to you or its access rights forbid its use"
        return False, [*found, Mended(_name(path, home), why, instead=instead)]
    return True, found


def as_settings(text: str) -> object:
    """Returns the settings in one of Lab's files, read as its server does."""
    import json5

    return json5.loads(text or "{}")


def as_workspace(text: str) -> object:
    """Returns the layout in one of Lab's files.

    Raises
    ------
    ValueError
        If parts that the server needs are missing.
    """
    found = json.loads(text)
    if isinstance(found, dict) and not (found.get("data") and found.get("metadata")):
        raise ValueError("a workspace has data and metadata")
    return found


def json_files(
    top: Path, pattern: str, home: Path, parse: Callable[[str], object]
) -> Iterator[Mended]:
    """Put aside files below `top` that match `pattern` but contain no JSON object."""
    for file in sorted(top.rglob(pattern)):
        why = _broken(file, parse)
        if why:
            try:
                yield Mended(_name(file, home), why, put_aside(file).name)
            except OSError as error:
                yield Mended(_name(file, home), f"{why}, and cannot be renamed: {_words(error)}")


def _broken(file: Path, parse: Callable[[str], object]) -> str:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return "it is not a file"
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        return _words(error)
    except UnicodeDecodeError:
        return "it is not text"
    try:
        return "" if isinstance(parse(text), dict) else "it does not contain settings"
    except (ValueError, RecursionError):
        return "it is truncated or damaged"


def say(mended: list[Mended], notices: Notices) -> None:
    """Show each in Lab."""
    for item in mended:
        if item.renamed:
            text = f"{item.name} was put aside, because {item.why}."
            details = (
                f"It kept JupyterLab from working as it should. Nothing was deleted: its name is"
                f" now {item.renamed}, in the same folder. Rename it back after you have fixed"
                " it, or remove it if you do not need it."
            )
        else:
            text = f"{item.name} cannot be used, because {item.why}."
            details = (
                f"{item.instead} In a terminal, `ls -ld {item.name}` shows its owner and access"
                " rights; if it is yours, `chmod u+rwx` fixes it. Then stop and start the server."
            ).strip()
        notices.add("home", "warning", text, details=details)


def _name(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home)}"


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
