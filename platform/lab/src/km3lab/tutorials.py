"""Updates the user's tutorials from the image without losing the user's changes.

Rules: new and untouched files follow the image; a file that the user changed, also by running it,
is never overwritten or removed, and the new version goes beside it; a file that the user deleted
stays deleted; a file that left the image stays. Content decides, by SHA-256; clocks do not.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from km3lab.folder import NO_SPACE, Folder, Found
from km3lab.manifest import Entry, Manifest, locked

__all__ = ["FOLDER", "Outcome", "State", "TutorialError", "reset", "states", "sync"]

#: The name of the folder in the user's home.
FOLDER = "tutorials"

State = Literal[
    "current",  # as shipped
    "new",  # just copied
    "updated",  # was untouched, now the new version
    "yours",  # changed by the user, no newer version
    "kept",  # changed by the user, a newer version exists
    "deleted",  # by the user
    "retired",  # no longer in the image
    "failed",  # could not be written
]

_IN_THE_WAY = {
    "folder": "there is a folder of this name",
    "link": "there is a link of this name",
    "other": "there is something else of this name",
    "unreadable": "it cannot be read",
}


class TutorialError(ValueError):
    """A request that cannot be fulfilled; the message says why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """The result for one tutorial file."""

    name: str
    """Path below the folder, with slashes."""
    state: State
    new_name: str = ""
    """The file beside it that holds the newer version, if there is one."""
    reason: str = ""
    first_seen: bool = False
    """Whether this is news for the user: no earlier start found it."""


@dataclass
class Report:
    """What a start did to the tutorials."""

    outcomes: list[Outcome] = field(default_factory=list)
    problem: str = ""
    """Why nothing could be done, worded for the user."""
    no_space: bool = False

    def of(self, *states: State) -> list[Outcome]:
        """Returns the outcomes in any of these states."""
        return [outcome for outcome in self.outcomes if outcome.state in states]


@dataclass(frozen=True)
class _Pristine:
    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


def _pristine(folder: Path) -> dict[str, _Pristine]:
    """Returns the image's files by name, without hidden files, bytecode and links."""
    files = {}
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__pycache__")))
        for name in sorted(names):
            path = Path(base, name)
            if name.startswith(".") or path.suffix == ".pyc" or not path.is_file():
                continue
            if path.is_symlink():
                continue
            relative = path.relative_to(folder).as_posix()
            files[relative] = _Pristine(relative, path.read_bytes())
    return files


def _beside(path: PurePosixPath, word: str, number: int) -> str:
    tail = f"-{number}" if number > 1 else ""
    return f"{path.stem}.{word}{tail}{path.suffix}"


def sync(pristine: Path, home: Path) -> Report:
    """Update `home`/tutorials from `pristine`, whatever the user has put there."""
    report = Report()
    if not pristine.is_dir():
        return report
    try:
        with locked(home), Folder.at(home / FOLDER, create=True) as folder:
            _Sync(_pristine(pristine), home, folder, report).run()
    except NotADirectoryError:
        report.problem = (
            f"The tutorials could not be copied: ~/{FOLDER} is a file or a link. Rename it, then"
            " stop and start your server."
        )
    except TimeoutError as error:
        report.problem = f"The tutorials were left as they are: {error}."
    except OSError as error:
        report.no_space = error.errno in NO_SPACE
        report.problem = f"The tutorials could not be copied: {error.strerror}."
    return report


class _Sync:
    def __init__(
        self, pristine: dict[str, _Pristine], home: Path, folder: Folder, report: Report
    ) -> None:
        self.pristine = pristine
        self.home = home
        self.folder = folder
        self.report = report
        self.manifest = Manifest.load(home)

    def run(self) -> None:
        for name, file in self.pristine.items():
            before = self.manifest.files.get(name)
            entry = Entry(**vars(before)) if before else None
            try:
                outcome, after = self._one(file, entry)
            except OSError as error:
                if error.errno in NO_SPACE:
                    raise
                outcome, after = _failure(name, error), before
            self.report.outcomes.append(outcome)
            if after is not None and after != before:
                # After each file, so that the next start knows the state even after a kill.
                self.manifest.files[name] = after
                self.manifest.save(self.home)
        self._retire()

    def _one(self, file: _Pristine, entry: Entry | None) -> tuple[Outcome, Entry | None]:
        try:
            place = self.folder.inside(file.path.parts[:-1], create=entry is None)
        except NotADirectoryError:
            reason = "its folder is a file or a link"
            return Outcome(file.name, "kept", reason=reason), entry
        except FileNotFoundError:
            return Outcome(file.name, "deleted"), entry
        with place:
            place.remove_partial_files()
            return self._in_place(place, file, entry)

    def _in_place(
        self, place: Folder, file: _Pristine, entry: Entry | None
    ) -> tuple[Outcome, Entry | None]:
        name = file.path.name
        given = Entry(sha256=file.sha256, size=len(file.content))
        sizes = frozenset({given.size, entry.size if entry else -1})
        found = place.look(name, sizes=sizes)
        if found.kind == "missing":
            if entry is not None:
                return Outcome(file.name, "deleted"), entry
            place.add(name, file.content)
            return Outcome(file.name, "new", first_seen=True), given
        if found.kind == "file" and found.sha256 == given.sha256:
            return Outcome(file.name, "current"), given
        if entry is not None and found.kind == "file" and found.sha256 == entry.sha256:
            place.replace(name, file.content, found.mode)
            return Outcome(file.name, "updated", first_seen=True), given
        return self._keep(place, file, entry or Entry(), found)

    def _keep(
        self, place: Folder, file: _Pristine, entry: Entry, found: Found
    ) -> tuple[Outcome, Entry]:
        reason = _IN_THE_WAY.get(found.kind, "")
        entry.retired = False
        if entry.sha256 == file.sha256 and not entry.new_name:
            return Outcome(file.name, "yours", reason=reason), entry
        if entry.new_sha256 == file.sha256:
            there = place.look(PurePosixPath(entry.new_name).name).kind == "file"
            # A new version that the user has deleted is not copied again.
            state: State = "kept" if there else "yours"
            new_name = entry.new_name if there else ""
            return Outcome(file.name, state, new_name, reason), entry
        if entry.sha256 == file.sha256:
            # The image returned to the version that the user's file is based on.
            return Outcome(file.name, "yours", reason=reason), entry
        entry.new_name = str(file.path.with_name(self._put_beside(place, file, entry)))
        entry.new_sha256 = file.sha256
        return Outcome(file.name, "kept", entry.new_name, reason, first_seen=True), entry

    def _put_beside(self, place: Folder, file: _Pristine, entry: Entry) -> str:
        for number in range(1, 1000):
            name = _beside(file.path, "new", number)
            found = place.look(name)
            if found.kind == "missing":
                place.add(name, file.content)
                return name
            if found.kind == "file" and found.sha256 == file.sha256:
                return name
            ours = str(file.path.with_name(name)) == entry.new_name
            if ours and found.kind == "file" and found.sha256 == entry.new_sha256:
                place.replace(name, file.content, found.mode)
                return name
        raise FileExistsError(errno.EEXIST, "too many files of this name", file.name)

    def _retire(self) -> None:
        changed = False
        for name, entry in sorted(self.manifest.files.items()):
            if name in self.pristine:
                continue
            if _exists(self.folder, PurePosixPath(name)):
                news = not entry.retired
                self.report.outcomes.append(Outcome(name, "retired", first_seen=news))
                entry.retired = True
                changed |= news
            else:
                del self.manifest.files[name]
                changed = True
        if changed:
            self.manifest.save(self.home)


def _exists(folder: Folder, path: PurePosixPath) -> bool:
    try:
        with folder.inside(path.parts[:-1]) as place:
            return place.look(path.name, sizes=frozenset()).kind != "missing"
    except OSError:
        return False


def _failure(name: str, error: OSError) -> Outcome:
    return Outcome(name, "failed", reason=f"it could not be written: {error.strerror}")


def states(pristine: Path, home: Path) -> list[Outcome]:
    """Returns the state of each tutorial, without changing anything.

    Raises
    ------
    TutorialError
        If the image has no tutorials or the user's folder is not a folder.
    """
    files = _files(pristine)
    manifest = Manifest.load(home)
    outcomes = []
    with _users_folder(home) as folder:
        for name, file in files.items():
            entry = manifest.files.get(name, Entry())
            outcomes.append(_state(folder, file, entry))
        for name in sorted(set(manifest.files) - set(files)):
            if _exists(folder, PurePosixPath(name)):
                outcomes.append(Outcome(name, "retired"))
    return outcomes


def _state(folder: Folder, file: _Pristine, entry: Entry) -> Outcome:
    try:
        with folder.inside(file.path.parts[:-1]) as place:
            found = place.look(file.path.name)
            new = place.look(PurePosixPath(entry.new_name).name) if entry.new_name else None
    except FileNotFoundError:
        return Outcome(file.name, "deleted")
    except OSError:
        return Outcome(file.name, "kept", reason="its folder is a file or a link")
    if found.kind == "missing":
        return Outcome(file.name, "deleted" if entry.sha256 else "new")
    return _state_of(found, new, file, entry)


def _state_of(found: Found, new: Found | None, file: _Pristine, entry: Entry) -> Outcome:
    if found.sha256 == file.sha256:
        return Outcome(file.name, "current")
    if found.kind == "file" and entry.sha256 and found.sha256 == entry.sha256:
        return Outcome(file.name, "kept", reason="the new version will be copied at the next start")
    reason = _IN_THE_WAY.get(found.kind, "")
    if new and new.kind == "file":
        return Outcome(file.name, "kept", entry.new_name, reason)
    return Outcome(file.name, "yours", reason=reason)


def reset(request: str, pristine: Path, home: Path) -> tuple[str, str]:
    """Restore one tutorial as shipped and keep the user's version beside it.

    Parameters
    ----------
    request : str
        Name of the file, or a path that ends in it.

    Returns
    -------
    tuple of str
        Name of the tutorial, and the new name of the user's version (empty if there was none, or it
        was as shipped).

    Raises
    ------
    TutorialError
        If there is no such tutorial, or the disk is full; then nothing is changed.
    """
    file = _wanted(request, _files(pristine))
    try:
        with locked(home), _users_folder(home) as folder:
            with folder.inside(file.path.parts[:-1], create=True) as place:
                manifest = Manifest.load(home)
                aside = _reset(place, file, manifest.files.get(file.name, Entry()))
            manifest.files[file.name] = Entry(sha256=file.sha256, size=len(file.content))
            manifest.save(home)
    except NotADirectoryError:
        raise TutorialError(
            f"{file.name}: its folder is a file or a link; rename that first"
        ) from None
    except TimeoutError as error:
        raise TutorialError(f"{file.name}: {error}; try again in a moment") from None
    except OSError as error:
        if error.errno in NO_SPACE:
            raise TutorialError(
                f"{file.name}: your home is full or read-only; nothing was changed."
                " Delete something first"
            ) from None
        raise TutorialError(f"{file.name}: cannot be written: {error.strerror}") from None
    return file.name, aside and str(file.path.with_name(aside))


def _reset(place: Folder, file: _Pristine, entry: Entry) -> str:
    name = file.path.name
    found = place.look(name)
    aside = ""
    if found.kind == "missing":
        place.add(name, file.content)
    elif found.sha256 != file.sha256:
        numbered = (_beside(file.path, f"yours-{n}", 1) for n in range(1, 10_000))
        aside = next(n for n in numbered if place.look(n, sizes=frozenset()).kind == "missing")
        place.swap(name, aside, file.content)
    beside = PurePosixPath(entry.new_name).name
    if beside and place.look(beside).sha256 == file.sha256:
        # The new version is in place now; a second copy would only confuse.
        place.remove(beside)
    return aside


def _files(pristine: Path) -> dict[str, _Pristine]:
    files = _pristine(pristine) if pristine.is_dir() else {}
    if not files:
        raise TutorialError(
            f"there are no tutorials at {pristine}; run this in a terminal of JupyterLab, or name"
            " their folder in KM3_TUTORIALS"
        )
    return files


def _users_folder(home: Path) -> Folder:
    try:
        return Folder.at(home / FOLDER, create=True)
    except NotADirectoryError:
        raise TutorialError(f"~/{FOLDER} is a file or a link; rename it first") from None
    except OSError as error:
        raise TutorialError(f"~/{FOLDER} cannot be used: {error.strerror}") from None


def _wanted(request: str, files: dict[str, _Pristine]) -> _Pristine:
    asked = PurePosixPath(os.path.normpath(request))
    matches = [f for f in files.values() if asked == f.path]
    # The path as typed may start anywhere: ~/tutorials/NAME, tutorials/NAME, just the name.
    matches = matches or [f for f in files.values() if _ends_in(asked, f.path)]
    matches = matches or [f for f in files.values() if _ends_in(f.path, asked)]
    if len(matches) == 1:
        return matches[0]
    import difflib

    if matches:
        raise TutorialError(f"{request}: several files: {', '.join(f.name for f in matches)}")
    close = difflib.get_close_matches(asked.name, files, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(files)}"
    raise TutorialError(f"{request}: no tutorial of this name; {hint}")


def _ends_in(long: PurePosixPath, short: PurePosixPath) -> bool:
    count = len(short.parts)
    return long.parts[-count:] == short.parts
