"""What can go wrong, one class a cause; every message is a sentence for the person who can act."""

from __future__ import annotations

from pathlib import Path


class OpenKM3Error(Exception):
    """Base of all errors that openkm3 raises on purpose."""


class ConfigurationError(OpenKM3Error):
    """The server's address or a configuration file cannot be used."""


class ServerError(OpenKM3Error):
    """The Open Data Center cannot be reached or answers nonsense.

    A notebook shows the sentence and its notes alone: no line of the user's code is to blame.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython's hook for errors that know best how they are shown.
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", [])]


class CatalogueError(OpenKM3Error):
    """A catalogue does not keep the contract of :mod:`openkm3.catalogue`."""


class UnknownIdentifier(OpenKM3Error, KeyError):
    """No entry of the catalogue has this identifier."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which would quote the sentence.
        return str(self.args[0])


class DownloadError(OpenKM3Error):
    """A file did not arrive whole; what was in the cache before is still there."""


class MissingPackage(OpenKM3Error, ImportError):
    """An optional package is needed for this.

    Parameters
    ----------
    purpose : str
        What needs it, as the start of a sentence.
    extra : str
        The extra of the distribution that brings it.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs more packages: pip install 'openkm3[{extra}]'")


class FormatError(OpenKM3Error, ValueError):
    """A file is damaged, of another format than expected, or not safe to read.

    Parameters
    ----------
    path : pathlib.Path or str
        The file, as the user named it.
    problem : str
        What is wrong with it.
    """

    def __init__(self, path: Path | str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class MetadataError(OpenKM3Error, ValueError):
    """Metadata cannot be understood at all (what is merely wrong is a finding, not an error)."""
