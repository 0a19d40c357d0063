"""Errors, one class per cause; every message is a sentence for the person who can act."""

from __future__ import annotations

from pathlib import Path


class OpenKM3Error(Exception):
    """Base class of all errors that openkm3 raises on purpose."""


class ConfigurationError(OpenKM3Error):
    """The server's address or a configuration file cannot be used."""


class ServerError(OpenKM3Error):
    """The Open Data Center cannot be reached, or its answer is not usable.

    A notebook shows only the sentence and its notes, since the user's code is not at fault.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython calls this hook instead of printing a traceback.
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", [])]


class HostNotAllowed(ServerError):
    """A catalogue or a server leads to another host, which the user has not allowed."""


class CatalogueError(OpenKM3Error):
    """A catalogue does not follow the contract of :mod:`openkm3.catalogue`."""


class UnknownIdentifier(OpenKM3Error, KeyError):
    """No entry of the catalogue has this identifier."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would quote the sentence.
        return str(self.args[0])


class DownloadError(OpenKM3Error):
    """A download is incomplete or differs from the catalogue; the cache is unchanged."""


class MissingPackage(OpenKM3Error, ImportError):
    """An optional package is not installed.

    Parameters
    ----------
    purpose : str
        What needs it, as the start of a sentence.
    extra : str
        The extra of the distribution that contains it.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs more packages: pip install 'openkm3[{extra}]'")


class FormatError(OpenKM3Error, ValueError):
    """A file is damaged, has another format than expected, or is not safe to read.

    Parameters
    ----------
    path : pathlib.Path or str
        The file, by the name that the user gave.
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class MetadataError(OpenKM3Error, ValueError):
    """Metadata cannot be parsed (wrong values are findings of the validator, not errors)."""


def first_line(error: Exception) -> str:
    """Return the first line of another library's message, which can be pages long."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
