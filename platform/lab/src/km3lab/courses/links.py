"""Links to a course's repository, in the format of nbgitpuller.

https://nbgitpuller.readthedocs.io/en/latest/topic/url-options.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

__all__ = ["Link", "LinkError", "read_link"]

_LONGEST = 2000
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}")
#: Folders with rules of their own.
_TAKEN = frozenset({"home", "scratch", "tutorials", "workshop"})
#: Pages of the user's server that a link may open.
_PAGES = frozenset({"doc", "edit", "lab", "notebooks", "tree"})
_DEEPEST = 5


class LinkError(Exception):
    """The link cannot be used; the message is a sentence for the user."""


@dataclass(frozen=True)
class Link:
    """What a link asks for."""

    repository: str
    """An http or https address without a password."""
    branch: str
    """A branch or tag; empty: the repository's default branch."""
    target: tuple[str, ...]
    """The folder below the home."""
    page: str
    """The page to open, an encoded path below the server's base address."""


def read_link(arguments: Mapping[str, str]) -> Link:
    """Returns what the arguments of a link ask for.

    Parameters
    ----------
    arguments
        `repo`, `branch`, `targetpath`, `urlpath`, `subPath` and `app`; others, such as `depth`,
        are ignored.

    Raises
    ------
    LinkError
        Where the link is wrong or asks for something that is not allowed.
    """
    repository = arguments.get("repo", "")
    _check_address(repository)
    branch = arguments.get("branch", "")
    if branch and (not _BRANCH.fullmatch(branch) or ".." in branch):
        raise LinkError("The link names a branch that is not valid.")
    named = arguments.get("targetpath") or arguments.get("targetPath")
    target = _target(named or _name_of(repository))
    return Link(repository, branch, target, _page(arguments, target))


def _check_address(address: str) -> None:
    if not address:
        raise LinkError("The link names no repository (repo=https://...).")
    try:
        parts = urlsplit(address)
        host, password, _ = parts.hostname, parts.username or parts.password, parts.port
    except ValueError:
        host, password = None, None
    odd = len(address) > _LONGEST or not address.isascii() or not address.isprintable()
    if odd or " " in address or "\\" in address or not host:
        raise LinkError("The address of the repository is not valid.")
    if parts.scheme not in ("http", "https"):
        raise LinkError("Repositories are fetched over https or http only.")
    if password is not None:
        raise LinkError("The address of the repository must not contain a user name or password.")


def _name_of(repository: str) -> str:
    return PurePosixPath(unquote(urlsplit(repository).path)).name.removesuffix(".git")


def _target(path: str) -> tuple[str, ...]:
    parts = tuple(path.strip("/").split("/"))
    if len(parts) > _DEEPEST or not all(_is_name(part) for part in parts):
        raise LinkError("The link names a target folder that is not valid.")
    if parts[0] in _TAKEN:
        raise LinkError(f"The platform uses the folder {parts[0]}; the link must name another.")
    return parts


def _is_name(part: str) -> bool:
    odd = part.startswith(".") or "\\" in part or not part.isprintable()
    return bool(part) and not odd and len(part.encode(errors="replace")) <= 255


def _page(arguments: Mapping[str, str], target: tuple[str, ...]) -> str:
    asked = arguments.get("urlpath") or arguments.get("urlPath") or ""
    if not asked:
        below = arguments.get("subPath", "").strip("/")
        asked = "/".join(("lab/tree", *target, *([below] if below else [])))
    parts = unquote(asked.partition("?")[0].partition("#")[0]).strip("/").split("/")
    odd = any(part in ("", ".", "..") or "\\" in part or not part.isprintable() for part in parts)
    if odd or parts[0] not in _PAGES:
        raise LinkError("The link names a page that it must not open.")
    return "/".join(quote(part, safe="") for part in parts)
