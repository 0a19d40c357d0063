"""Rebuilds the problem of a scan from its result, and refuses any other in its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nugamma.cli.options import made_from, prepared
from nugamma.errors import NugammaError, RunningError
from nugamma.inference.problem import Problem
from nugamma.running.contents import source_content, source_differences, source_of
from nugamma.running.origin import ANALYSIS, scan_differences
from nugamma.running.results import ScanDocument
from nugamma.running.study import REVISION, Study
from nugamma.sources import Source, load_source


def check_source(document: ScanDocument, source: Source, given: str) -> None:
    """Refuses a source that is not that of a scan.

    Raises
    ------
    RunningError
        If the source differs; the message names the differences.
    """
    found = source_differences(document.origin["source"], source_content(source))
    if found:
        raise RunningError(
            f"{given} is not the source of {document.path}: different {', '.join(found)}; give the "
            "scanned one, or omit --source"
        )


def rebuilt_problem(
    document: ScanDocument, given: Mapping[str, Any], *, stored_source: bool = False
) -> Problem:
    """Returns the problem of a scan, from the source and the options in its result.

    Parameters
    ----------
    document
        Result of the scan.
    given
        Options of datasets from the command line; they must give the same datasets.
    stored_source
        Whether to use the source in the result although its file has changed.

    Raises
    ------
    RunningError
        If the datasets, or this version of nugamma, are not those of the scan; the message names
        the differences.
    """
    origin = document.origin
    if origin["revision"] != REVISION:
        raise RunningError(
            f"{document.path} is from another {ANALYSIS} ({origin['revision']}, this is "
            f"{REVISION}); "
            "run `nugamma scan` again"
        )
    source = source_of(origin["source"])
    if not stored_source:
        _refuse_changed_file(document, source)
    options = _paths(document, origin["options"], given) | dict(given)
    problem = prepared(source, **options)
    study = Study(**{**origin["study"], "points": tuple(origin["study"]["points"])})
    now = made_from(source, problem, study, **options)
    found = scan_differences(origin, now)
    if found:
        raise RunningError(
            f"these are not the datasets of {document.path}: different {', '.join(found)}; use the "
            "options and files of the scan, or run `nugamma scan` again"
        )
    return problem


def _paths(
    document: ScanDocument, stored: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns the options of the scan, if its response files still exist."""
    options = dict(stored)
    for name, value in stored.items():
        if name in given or not (name.endswith("_response") and isinstance(value, str)):
            continue
        options[name] = Path(value)
        if not options[name].exists():
            raise RunningError(
                f"{document.path} was made with the response {value}, which no longer "
                f"exists; give the same file with --{name.replace('_', '-')}"
            )
    return options


def _refuse_changed_file(document: ScanDocument, source: Source) -> None:
    """Refuses a scan whose source file has changed since; the file may also be gone."""
    stored = document.content.get("provenance", {}).get("inputs", {}).get("source")
    file = stored.get("file") if isinstance(stored, dict) else None
    if not file or not Path(file).is_file():
        return
    try:
        found = source_differences(source_content(source), source_content(load_source(file)))
    except NugammaError:
        found = ["content, which cannot be read"]
    if found:
        raise RunningError(
            f"{file} has changed since the scan of {document.path}: different {', '.join(found)}; "
            "run `nugamma scan` again, or use --stored-source for the source as it was scanned"
        )
