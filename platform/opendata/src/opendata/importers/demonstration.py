"""Demonstration data for an empty portal: the catalogue of 2021 with generated content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from opendata.importers import antares, generation
from opendata.importers.generation import MARK
from opendata.importers.publication import publish
from opendata.records.models import Record
from openkm3.formats import DataSet, write
from openkm3.metadata import Annotation

_PSD = (1601366233, 1599150167, 1601455406, 1599152165, 1601364561, 1600355223)


def seed(say: Callable[[str], object]) -> int:
    """Publish the demonstration; return the number of records, 0 if there are some already."""
    if Record.objects.exists():
        return 0
    say("Publishing a search for point sources ...")
    antares.publish_analysis(
        generation.antares_events(), generation.acceptance(), generation.background(), mark=MARK
    )
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say("Publishing a week of ORCA ...")
        _orca(folder)
        say("Publishing sounds of the deep sea ...")
        _acoustics(folder)
    return Record.objects.count()


def _orca(folder: Path) -> None:
    dataset = generation.orca_week()
    _group(
        "evts20_01",
        "collection",
        "One week of ORCA 4-line data",
        dataset,
        "Events from one week of data taking with ORCA",
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
    _group("acoustic20_01", "collection", "Acoustic data", first, text)
    _group(
        "acoustic20_01_wav",
        "stream",
        "Acoustic data stream wav",
        first,
        "Acoustic samples as wav files",
        parent="acoustic20_01",
    )
    _group(
        "acoustic20_01_psd",
        "stream",
        "Acoustic data stream psd information",
        first,
        "Statistical quantities of acoustic data from ORCA DOM",
        parent="acoustic20_01",
        position=1,
    )
    generation.sound(folder / "DOM_808974724_CH1_1601366233.wav")
    _resource(
        "acoustic20_01_wav_DOM_808974724_CH1_1601366233",
        "acoustic20_01_wav",
        "Acoustic sample of DOM 808974724",
        first,
        folder / "DOM_808974724_CH1_1601366233.wav",
        ktype="km3.env.acoustic.wav",
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
            "description": f"{text}. Everything in it is generated for demonstration.",
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
) -> None:
    metadata: dict[str, Any] = dataset.annotation.plain()
    if ktype:
        about = {
            "name": f"{MARK} {title}",
            "description": f"{MARK}: noise with a whistle, generated.",
        }
        metadata = Annotation.parse({"ktype": ktype, "header": metadata["header"] | about}).plain()
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
