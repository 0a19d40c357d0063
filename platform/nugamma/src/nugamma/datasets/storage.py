"""Writes and reads datasets: folded ones as HDF5, maps as FITS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from astropy import units as u
from gammapy.datasets import MapDataset

from nugamma.datasets.folded import FoldedDataset
from nugamma.datasets.psf import SourcePSFMap

FOLDED = "folded.h5"


def write_folded(datasets: Sequence[FoldedDataset], folder: Path) -> None:
    """Writes folded datasets into one HDF5 file, one group per dataset."""
    with h5py.File(folder / FOLDED, "w") as file:
        for number, dataset in enumerate(datasets):
            group = file.create_group(dataset.name)
            group.attrs["messenger"] = dataset.messenger
            group.attrs["number"] = number
            edges = group.create_dataset("energy_true", data=dataset.energy_true.to_value("TeV"))
            edges.attrs["unit"] = "TeV"
            group.create_dataset("signal", data=dataset.signal, compression="gzip", shuffle=True)
            group["signal"].attrs["unit"] = "cm2 s"
            group.create_dataset("background", data=dataset.background)
            group.create_dataset("energy_bin", data=dataset.energy_bin)


def read_folded(folder: Path) -> list[FoldedDataset]:
    """Reads what `write_folded` wrote.

    Raises
    ------
    OSError, KeyError, ValueError
        If the file is damaged.
    """
    with h5py.File(folder / FOLDED) as file:
        groups = sorted(file.values(), key=lambda group: int(group.attrs["number"]))
        return [
            FoldedDataset(
                name=group.name.strip("/"),
                messenger=group.attrs["messenger"],
                energy_true=group["energy_true"][:] * u.TeV,
                signal=group["signal"][:],
                background=group["background"][:],
                energy_bin=group["energy_bin"][:].astype(np.int64),
            )
            for group in groups
        ]


def write_maps(datasets: Sequence[MapDataset], folder: Path) -> None:
    """Writes map datasets as FITS files with checksums, numbered in order."""
    for number, dataset in enumerate(datasets):
        dataset.write(folder / f"{number:02}-{dataset.name}.fits", checksum=True)


def read_maps(folder: Path) -> list[MapDataset]:
    """Reads what `write_maps` wrote."""
    datasets = []
    for path in sorted(folder.glob("*.fits")):
        dataset = MapDataset.read(path, name=path.stem.split("-", 1)[1], checksum=True)
        dataset.psf = SourcePSFMap(dataset.psf.psf_map, dataset.psf.exposure_map)
        datasets.append(dataset)
    return datasets
