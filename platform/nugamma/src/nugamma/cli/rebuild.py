"""The datasets of a scan made again from its result, and nothing else in their place."""

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
    """Refuse a source that is not the one of a scan.

    Raises
    ------
    RunningError
        Names what is different.
    """
    found = source_differences(document.origin["source"], source_content(source))
    if found:
        raise RunningError(
            f"{given} is not the source of {document.path}: different {', '.join(found)}; give the "
            "one that was scanned or leave it out"
        )


def problem_again(
    document: ScanDocument, given: Mapping[str, Any], *, stored_source: bool = False
) -> Problem:
    """The problem of a scan, from the source and the options that its result holds.

    Parameters
    ----------
    document
        The result.
    given
        Options of datasets from the command line; they must come to the same datasets.
    stored_source
        Whether to take the source that the result holds although its file has changed.

    Raises
    ------
    RunningError
        If the datasets, or this version of nugamma, are not those of the scan; names what is
        different.
    """
    origin = document.origin
    if origin["revision"] != REVISION:
        raise RunningError(
            f"{document.path} is of another {ANALYSIS} ({origin['revision']}, this is {REVISION}); "
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
            f"these are not the datasets of {document.path}: different {', '.join(found)}; give "
            "the options and files of the scan, or run `nugamma scan` again"
        )
    return problem


def _paths(
    document: ScanDocument, noted: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The scan's own options, with its response files where they still are."""
    options = dict(noted)
    for name, value in noted.items():
        if name in given or not (name.endswith("_response") and isinstance(value, str)):
            continue
        options[name] = Path(value)
        if not options[name].exists():
            raise RunningError(
                f"{document.path} was made with the response {value}, which is not there; "
                f"give the same file as --{name.replace('_', '-')}"
            )
    return options


def _refuse_changed_file(document: ScanDocument, source: Source) -> None:
    """Refuse a scan whose source file says something else by now; one that is gone may be gone."""
    noted = document.content.get("provenance", {}).get("inputs", {}).get("source")
    file = noted.get("file") if isinstance(noted, dict) else None
    if not file or not Path(file).is_file():
        return
    try:
        found = source_differences(source_content(source), source_content(load_source(file)))
    except NugammaError:
        found = ["content that cannot be read"]
    if found:
        raise RunningError(
            f"{file} has changed since the scan of {document.path}: different {', '.join(found)}; "
            "run `nugamma scan` again, or give --stored-source to use the source as it was scanned"
        )
