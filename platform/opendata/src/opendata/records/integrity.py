"""Checks whether the portal's records and files are intact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import cast

from django.core.management import call_command
from django.core.management.base import SystemCheckError

from opendata.exports.catalogue import catalogue
from opendata.records import signals, store
from opendata.records.models import DataFile


def problems(say: Callable[[str], object]) -> Iterator[str]:
    """Yields a sentence for each problem."""
    try:
        call_command("check", verbosity=0)
    except SystemCheckError as error:
        yield str(error)
    say("Checking the catalogue ...")
    try:
        catalogue()
    except ValueError as error:
        yield f"the catalogue cannot be made: {error}"
    for _, sentences in signals.verifying.send(DataFile):
        yield from cast("Iterator[str]", sentences)
    files = DataFile.objects.select_related("version__record").order_by("pk")
    total = files.count()
    for number, file in enumerate(files.iterator(), start=1):
        if number % 100 == 1:
            say(f"Checking files ({number} of {total}) ...")
        path = store.path_of(file.sha256)
        if not path.exists():
            yield f"{file}: its content is missing; restore {path.name} from a backup"
            continue
        with path.open("rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != file.sha256:
                yield f"{file}: its content has changed; restore {path.name} from a backup"
