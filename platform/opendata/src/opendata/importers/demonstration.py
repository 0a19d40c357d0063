"""Demonstration data for an empty portal: the catalogue of 2021 with generated data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db import transaction

from opendata.importers import antares, generation
from opendata.importers.generation import MARK
from opendata.importers.publication import publish
from opendata.records.models import Record
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation

_COLLECTIONS = ("ana20_01", "evts20_01", "acoustic20_01")
_PSD = (1601366233, 1599150167, 1601455406, 1599152165, 1601364561, 1600355223)


@transaction.atomic
def seed(say: Callable[[str], object]) -> int:
    """Publish the demonstration collections that do not exist yet.

    Returns
    -------
    int
        Number of new records; 0 if the portal contains other records, which is then left alone.
        Everything is published or nothing, so an interrupted run can be repeated.
    """
    before = Record.objects.count()
    names = Record.objects.values_list("identifier", flat=True)
    if any(not name.startswith(_COLLECTIONS) for name in names):
        return 0
    steps: list[tuple[str, str, Callable[[Path], object]]] = [
        ("ana20_01", "a search for point sources", _antares),
        ("evts20_01", "a week of ORCA", _orca),
        ("acoustic20_01", "sounds of the deep sea", _acoustics),
    ]
    for identifier, what, step in steps:
        if Record.objects.filter(identifier=identifier).exists():
            continue
        say(f"Publishing {what} ...")
        with TemporaryDirectory() as temporary:
            step(Path(temporary))
    return Record.objects.count() - before


def _antares(_: Path) -> None:
    antares.publish_analysis(
        generation.antares_events(), generation.acceptance(), generation.background(), mark=MARK
    )


def _orca(folder: Path) -> None:
    dataset = generation.orca_week()
    _group(
        "evts20_01",
        "collection",
        "One week of ORCA 4-line data",
        dataset,
        "Events from one week of data taking with ORCA",
        position=1,
    )
    write(dataset, folder / "one_week_orca.h5")
    _resource(
        "evts20_01_file1",
        "evts20_01",
        "ORCA4 events file",
        dataset,
        folder / "one_week_orca.h5",
        aliases=["one_week_orca"],
    )


def _acoustics(folder: Path) -> None:
    first = generation.acoustic_statistics("DOM 808974724, channel 1")
    text = "Acoustic data samples from ORCA hydrophone"
    _group("acoustic20_01", "collection", "Acoustic data", first, text, position=2)
    for position, (form, title) in enumerate({"wav": "wave", "mp3": "mp3", "raw": "raw"}.items()):
        _group(
            f"acoustic20_01_{form}",
            "stream",
            f"Acoustic data stream {title}",
            first,
            f"Acoustic samples as {form} files",
            parent="acoustic20_01",
            position=position,
        )
    _group(
        "acoustic20_01_psd",
        "stream",
        "Acoustic data stream psd information",
        first,
        "Statistical quantities of acoustic data from ORCA DOM",
        parent="acoustic20_01",
        position=3,
    )
    sample = "DOM_808974724_CH1_1601366233"
    for form, write_sound in generation.SOUNDS.items():
        write_sound(folder / f"{sample}.{form}")
        _resource(
            f"acoustic20_01_{form}_{sample}",
            f"acoustic20_01_{form}",
            f"Acoustic sample of DOM 808974724 ({form})",
            first,
            folder / f"{sample}.{form}",
            ktype=f"km3.env.acoustic.{form}",
            about=generation.SOUNDS_SAY[form],
        )
    for position, time in enumerate(_PSD):
        name = f"DOM_808974724_CH1_{time}"
        dataset = generation.acoustic_statistics(name.replace("_", " "))
        write(dataset, folder / f"psd_{name}.ecsv")
        _resource(
            f"acoustic20_01_psd_{name}",
            "acoustic20_01_psd",
            f"Sound statistics {name.replace('_', ' ')}",
            dataset,
            folder / f"psd_{name}.ecsv",
            position=position,
        )


def _group(
    identifier: str,
    kind: str,
    title: str,
    dataset: DataSet,
    text: str,
    *,
    parent: str | None = None,
    position: int = 0,
) -> None:
    header = dataset.annotation.header.model_copy(
        update={"name": f"{MARK} {title}", "description": text}
    )
    publish(
        {"identifier": identifier, "kind": kind, "parent": parent, "position": position},
        {
            "title": f"{MARK} {title}",
            "description": f"{text}. All data in it are generated for demonstration.",
            "ktype": f"km3.{kind}",
            "metadata": Annotation(header=header).plain(),
            "simulated": True,
        },
    )


def _resource(
    identifier: str,
    parent: str,
    title: str,
    dataset: DataSet,
    path: Path,
    *,
    aliases: list[str] | None = None,
    position: int = 0,
    ktype: str | None = None,
    about: str = "",
) -> None:
    metadata: dict[str, Any] = dataset.annotation.plain()
    if ktype:
        header = metadata["header"] | {"name": f"{MARK} {title}", "description": about}
        metadata = Annotation.parse({"ktype": ktype, "header": header}).plain()
    publish(
        {
            "identifier": identifier,
            "parent": parent,
            "position": position,
            "aliases": aliases or [],
        },
        {
            "title": f"{MARK} {title}",
            "description": metadata["header"]["description"],
            "ktype": ktype or metadata["ktype"],
            "metadata": metadata,
            "simulated": True,
        },
        path,
    )
