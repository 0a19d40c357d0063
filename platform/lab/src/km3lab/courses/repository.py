"""The files of a remote git repository.

They are read from git's objects and never checked out: so hooks, filters, submodules and symbolic
links of a hostile repository have no effect.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["FetchError", "RemoteFile", "Repository", "fetched"]

#: Bytes of one file, of all files, and the number of files.
LARGEST_FILE = 100 << 20
LARGEST = 1 << 30
MOST_FILES = 5_000
_SECONDS = 300
#: Bytes of the compressed repository.
_LARGEST_PACK = 1 << 30
#: What git gets of this server's environment.
_PASSED = frozenset(
    {"PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}
    | {name for low in ("http_proxy", "https_proxy", "no_proxy") for name in (low, low.upper())}
)
_OPTIONS = (
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    # A redirect later in the conversation could lead a push or fetch elsewhere.
    "http.followRedirects=initial",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.unpackLimit=1",
    # A server that sends nothing for a minute is given up.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
)


class FetchError(Exception):
    """The repository cannot be fetched; the message is a sentence for the user."""


@dataclass(frozen=True)
class RemoteFile:
    """A regular file."""

    parts: tuple[str, ...]
    """Its path below the repository."""
    blob: str
    """Git's name of the content."""


class Repository:
    """A fetched repository."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.left_out: list[str] = []
        """Entries that are not brought, for people: links, submodules and odd names."""
        self.files = tuple(self._list())

    def content(self, file: RemoteFile) -> bytes:
        """Returns the content of a file."""
        return _git(self._folder, "cat-file", "blob", file.blob)

    def _list(self) -> Iterator[RemoteFile]:
        output = _git(self._folder, "ls-tree", "-r", "-z", "-l", "--full-tree", "FETCH_HEAD")
        number = total = 0
        for entry in output.split(b"\0")[:-1]:
            about, _, name = entry.partition(b"\t")
            mode, _, blob, size = about.split()
            parts = _parts(name)
            if mode not in (b"100644", b"100755") or parts is None:
                self.left_out.append(ascii(name.decode(errors="replace"))[1:-1])
                continue
            if int(size) > LARGEST_FILE:
                raise FetchError(
                    f"The file {'/'.join(parts)} of the repository is larger than"
                    f" {LARGEST_FILE >> 20} MB, so nothing was changed."
                )
            number, total = number + 1, total + int(size)
            if number > MOST_FILES or total > LARGEST:
                raise FetchError(
                    f"The repository has more than {MOST_FILES} files or {LARGEST >> 30} GB, so"
                    " nothing was changed."
                )
            yield RemoteFile(parts, blob.decode())


def _parts(name: bytes) -> tuple[str, ...] | None:
    try:
        path = name.decode()
    except UnicodeDecodeError:
        return None
    parts = tuple(path.split("/"))
    for part in parts:
        # A folder .git would be a repository whose configuration runs commands.
        odd = part in ("", ".", "..") or part.lower() == ".git" or not part.isprintable()
        if odd or "\\" in part or part.startswith(".km3net-"):
            return None
    return parts


@contextmanager
def fetched(address: str, branch: str, place: Path) -> Iterator[Repository]:
    """Fetch the newest version of a branch, and remove it afterwards.

    Parameters
    ----------
    address
        An http or https address.
    branch
        A branch or tag; empty: the default branch.
    place
        The existing folder for the download, inside the user's quota.

    Raises
    ------
    FetchError
        Where it cannot be fetched, or is too large.
    """
    with TemporaryDirectory(prefix="fetch-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _git(folder, "init", "--quiet", "--bare", "--template=", ".")
        _git(folder, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
             "--end-of-options", address, branch or "HEAD")  # fmt: skip
        yield Repository(folder)


def _git(folder: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name in _PASSED}
    environment |= {
        # Neither the user's configuration nor their passwords (.netrc) reach a stranger's server.
        "HOME": str(folder),
        "GIT_DIR": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "http:https",
        "LC_ALL": "C.UTF-8",
    }
    options = [word for option in _OPTIONS for word in ("-c", option)]
    try:
        done = subprocess.run(
            ["prlimit", f"--fsize={_LARGEST_PACK}", "git", *options, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
    except FileNotFoundError:
        raise FetchError(
            "This server has no git or prlimit, so no repository can be fetched."
        ) from None
    except subprocess.TimeoutExpired:
        raise FetchError(
            f"The repository did not arrive within {_SECONDS // 60} minutes."
        ) from None
    except subprocess.CalledProcessError as error:
        raise FetchError(f"The repository could not be fetched: {_reason(error.stderr)}") from None
    return done.stdout


def _reason(errors: bytes) -> str:
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal: ")]
    return (fatal or lines or ["git failed without a message"])[0].removeprefix("fatal: ")[:300]
