"""The coordinate benchmarks in km3net-testdata."""

import csv
from pathlib import Path

import numpy as np
import pytest


def table(name: str) -> dict[str, np.ndarray]:
    """Columns of a benchmark, as numbers where they are numbers."""
    data = pytest.importorskip("km3net_testdata", reason="make test TESTS=tests/openkm3 has it")
    lines = Path(data.data_path(f"astro/{name}")).read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert rows
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    for key, texts in columns.items():
        try:
            columns[key] = texts.astype(float)
        except ValueError:
            continue
    return columns


def times(columns: dict[str, np.ndarray]) -> list[str]:
    return [f"{d}T{t}" for d, t in zip(columns["date"], columns["time"], strict=True)]
