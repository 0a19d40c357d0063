"""Where a person's data are: on this machine (embedded), or in containers and volumes."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from km3hub.privacy.archive import Archive
from km3hub.privacy.logs import entries_of, named
from km3hub.privacy.record import RecordError, Records, forget, record
from km3settings.names import PROJECT_LABEL, USER_LABEL, Names
from km3settings.state import State

__all__ = ["Containers", "Here", "Place"]

_HOME = "the files in the home"
#: Where a home is mounted to be read.
_MOUNTED = "/home/km3"


class Place(Protocol):
    """A running platform. Every method raises `RecordError` where it fails."""

    def record(self, name: str) -> dict[str, Any]:
        """Returns what the hub has of a person."""

    def log(self, name: str) -> list[str]:
        """Returns the log entries that name a person."""

    def add_home(self, archive: Archive, home: str) -> bool:
        """Add a home to an archive; returns whether there is one.

        `home` is the user name, followed by `.2` for the second person of that name.
        """

    def portal(self, arguments: Sequence[str]) -> str | None:
        """Returns what `opendata person ARGUMENTS` prints; None if no portal runs here."""

    def forget(self, name: str) -> None:
        """Stop a person's server, and erase what the hub has of them."""

    def erase_home(self, home: str) -> bool:
        """Delete a home; returns whether there was one."""

    logs_remain: str
    """What remains of the logs after the erasure; empty: nothing."""


@dataclass(frozen=True)
class Here:
    """An embedded platform.

    Parameters
    ----------
    state
        Its state folder.
    workshops
        What workshops keep of people.
    hub
        The address of the hub's pages.
    """

    state: State
    workshops: Records
    hub: str
    logs_remain = ""

    def record(self, name: str) -> dict[str, Any]:
        """Returns what the hub has of a person."""
        return record(self.state, name, self.workshops)

    def log(self, name: str) -> list[str]:
        """Returns the log entries that name a person, and the output of the person's server."""
        try:
            found = entries_of(self.state.logs, name)
            for path in sorted(self.state.logs.glob(f"server-{name}.log*")):
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                found += [f"{path.name}: {line}" for line in lines]
        except OSError as error:
            raise RecordError(str(error)) from None
        return found

    def add_home(self, archive: Archive, home: str) -> bool:
        """Add a home to an archive; returns whether there is one."""
        folder = self._folder(home)
        if folder is None:
            return False
        archive.add_folder(folder, _HOME)
        return True

    def _folder(self, home: str) -> Path | None:
        folder = self.state.homes / home
        return folder if folder.is_dir() and not folder.is_symlink() else None

    def portal(self, arguments: Sequence[str]) -> str | None:
        """Returns what `opendata person ARGUMENTS` prints; None if no portal runs here."""
        python = self.state.environments / "opendata" / "bin" / "python"
        if not python.exists() or not self.state.opendata.is_dir():
            return None
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "OPENDATA_STATE": str(self.state.opendata),
        }
        done = subprocess.run(
            [python, "-s", "-m", "opendata", "person", *arguments],
            cwd=self.state.root,
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RecordError(f"the Open Data Center: {done.stderr.strip()[-500:]}")
        return done.stdout

    def forget(self, name: str) -> None:
        """Stop a person's server, and erase what the hub has of them."""
        forget(self.state, name, self.workshops, self.hub, logs=True)

    def erase_home(self, home: str) -> bool:
        """Delete a home; returns whether there was one."""
        folder = self._folder(home)
        if folder is None:
            return False
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise RecordError(f"{folder} cannot be deleted: {error}") from None
        return True


class Containers:
    """A platform in containers. Needs the Docker Engine, as root or as a member of its group.

    Parameters
    ----------
    hub
        The name of the hub's container.
    """

    logs_remain = "Log entries of hub, proxy and web server; they are deleted as /hub/privacy says."

    def __init__(self, hub: str) -> None:
        try:
            self._client = docker.from_env(timeout=600)
            self._hub = self._client.containers.get(hub)
        except DockerException as error:
            raise RecordError(f"the hub's container {hub} cannot be reached: {error}") from None
        project = self._hub.labels.get(PROJECT_LABEL, "")
        self._names = Names(project)

    def record(self, name: str) -> dict[str, Any]:
        """Returns what the hub has of a person."""
        text = self._run(self._hub, ["km3hub", "accounts", "record", name])
        found: dict[str, Any] = json.loads(text)
        return found

    def log(self, name: str) -> list[str]:
        """Returns the log entries of hub and proxy that name a person."""
        word, found = named(name), []
        for service in (self._names.hub, self._names.proxy):
            try:
                text = self._client.containers.get(service).logs(timestamps=True)
            except DockerException:
                continue
            lines = text.decode(errors="replace").splitlines()
            found += [f"{service}: {line}" for line in lines if word.search(line)]
        return found

    def read_home(self, home: str, command: Sequence[str], state: str) -> str | None:
        """Run `km3hub` in a container of its own that can read a home and write the state folder.

        It runs as root without network, with the rights that reading and writing need.

        Parameters
        ----------
        home
            The home, which is mounted read-only at `/home/km3`.
        command
            What follows `km3hub`.
        state
            The state folder in the container.

        Returns
        -------
        str or None
            What the command prints; None where the home is not on this machine.

        Raises
        ------
        RecordError
            With the sentence of the command where it fails.
        """
        volume = self._volume(home)
        if volume is None:
            return None
        try:
            reader = self._client.containers.run(
                str(self._hub.attrs["Image"]),
                command=["km3hub", *command],
                detach=True,
                user="0:0",
                network_mode="none",
                cap_drop=["ALL"],
                cap_add=["DAC_OVERRIDE", "CHOWN"],
                security_opt=["no-new-privileges"],
                read_only=True,
                environment={"KM3_MODE": "docker", "KM3_STATE": state},
                volumes={
                    volume.name: {"bind": _MOUNTED, "mode": "ro"},
                    self._names.state: {"bind": state, "mode": "rw"},
                },
                labels={PROJECT_LABEL: self._names.project},
            )
            try:
                code = reader.wait()["StatusCode"]
                output = reader.logs(stdout=True, stderr=False).decode(errors="replace")
                errors = reader.logs(stdout=False, stderr=True).decode(errors="replace")
            finally:
                reader.remove(force=True)
        except (DockerException, RequestException) as error:
            raise RecordError(f"the volume {volume.name} cannot be read: {error}") from None
        if code:
            raise RecordError(errors.strip().removeprefix("Error: ")[-1000:])
        return output

    def hub(self, command: Sequence[str]) -> str:
        """Returns what `km3hub COMMAND` prints in the hub's container."""
        return self._run(self._hub, ["km3hub", *command])

    def add_home(self, archive: Archive, home: str) -> bool:
        """Add a home to an archive; returns whether there is one on this machine."""
        volume = self._volume(home)
        if volume is None:
            return False
        # Never started: the engine reads the volume through it.
        reader = self._client.containers.create(
            str(self._hub.attrs["Image"]),
            command=["true"],
            network_mode="none",
            volumes={volume.name: {"bind": _MOUNTED, "mode": "ro"}},
            labels={PROJECT_LABEL: self._names.project},
        )
        try:
            chunks, _ = reader.get_archive(_MOUNTED)
            with tarfile.open(fileobj=_Stream(chunks), mode="r|") as stream:
                archive.add_stream(stream, _HOME)
        except DockerException as error:
            raise RecordError(f"the volume {volume.name} cannot be read: {error}") from None
        finally:
            reader.remove(force=True)
        return True

    def _volume(self, home: str) -> Any:
        start = self._names.home("")
        return next((one for one in self._volumes(home) if one.name.startswith(start)), None)

    def _volumes(self, home: str) -> list[Any]:
        """Returns the home and the scratch folder that belongs to it."""
        # No user name contains a dot; the volume's name has the user name in another spelling.
        name, _, number = home.partition(".")
        labels = [f"{PROJECT_LABEL}={self._names.project}", f"{USER_LABEL}={name}"]
        try:
            found = self._client.volumes.list(filters={"label": labels})
        except DockerException as error:
            raise RecordError(f"the engine does not answer: {error}") from None
        own = []
        for volume in found:
            for start in (self._names.home(""), self._names.scratch("")):
                rest = volume.name.removeprefix(start)
                if volume.name.startswith(start) and rest.partition(".")[2] == number:
                    own.append(volume)
        return own

    def portal(self, arguments: Sequence[str]) -> str | None:
        """Returns what `opendata person ARGUMENTS` prints; None if no portal runs here."""
        try:
            container = self._client.containers.get(self._names.opendata)
        except NotFound:
            return None
        except DockerException as error:
            raise RecordError(f"the engine does not answer: {error}") from None
        return self._run(container, ["opendata", "person", *arguments])

    def forget(self, name: str) -> None:
        """Stop a person's server, and erase what the hub has of them."""
        self._run(self._hub, ["km3hub", "accounts", "forget", name])

    def erase_home(self, home: str) -> bool:
        """Delete a home and its scratch folder; returns whether there was a home here."""
        there = self._volume(home) is not None
        for volume in self._volumes(home):
            self._delete_files(volume.name)
            try:
                volume.remove()
            except DockerException as error:
                raise RecordError(f"the volume {volume.name} cannot be deleted: {error}") from None
        return there

    def _delete_files(self, volume: str) -> None:
        """Let the service for homes do it, where there is one: the engine cannot unmount a home."""
        try:
            self._client.containers.get(self._names.homes)
        except NotFound:
            return
        except DockerException as error:
            raise RecordError(f"the engine does not answer: {error}") from None
        scratch = volume.startswith(self._names.scratch(""))
        user = volume.removeprefix((self._names.scratch if scratch else self._names.home)(""))
        options = ["--scratch"] if scratch else []
        self._run(self._hub, ["km3hub", "homes", "remove", user, "--yes", *options])

    @staticmethod
    def _run(container: Any, command: list[str]) -> str:
        try:
            code, (output, errors) = container.exec_run(command, demux=True)
        except DockerException as error:
            raise RecordError(f"the container {container.name}: {error}") from None
        if code:
            message = (errors or output or b"").decode(errors="replace").strip()[-500:]
            raise RecordError(f"the container {container.name}: {message}")
        return (output or b"").decode()


class _Stream(io.RawIOBase):
    """The parts of an answer as one file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes, `size` of them unless the answer ends."""
        parts, left = [], size
        while left != 0:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            part = self._rest if left < 0 else self._rest[:left]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            left = left - len(part) if left > 0 else left
        return b"".join(parts)
