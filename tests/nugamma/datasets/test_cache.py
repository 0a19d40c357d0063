"""The cache on disk: damaged entries, several processes, and keys of every input."""

from __future__ import annotations

import json
import multiprocessing
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from nugamma.datasets import FoldedDataset, building, group, pixel_response, storage
from nugamma.datasets.cache import CacheWarning, DatasetCache
from nugamma.datasets.morphology import spatial_model
from nugamma.datasets.psf import SourcePSFMap
from nugamma.datasets.published import ARCA, CTA
from nugamma.errors import CacheError, DatasetError
from nugamma.responses.arca import ArcaResponse
from nugamma.responses.cta import CtaResponse
from nugamma.responses.performance import packaged
from tests.commands import run

from .small import Somewhere, dataset


def made() -> list[FoldedDataset]:
    return [group(pixel_response(dataset(), spatial_model(Somewhere()), "gamma"))]


def fetch(folder: Path, make=made, **inputs: object) -> list[FoldedDataset]:
    return DatasetCache(folder).fetch(
        "folded", inputs, make=make, write=storage.write_folded, read=storage.read_folded
    )


def refuse() -> list[FoldedDataset]:
    raise AssertionError("it is in the cache and must not be made again")


def same(one: list[FoldedDataset], other: list[FoldedDataset]) -> bool:
    return all(
        a.name == b.name
        and a.messenger == b.messenger
        and np.array_equal(a.signal, b.signal)
        and np.array_equal(a.background, b.background)
        and np.array_equal(a.energy_bin, b.energy_bin)
        and np.array_equal(a.energy_true, b.energy_true)
        for a, b in zip(one, other, strict=True)
    )


def entry(folder: Path) -> Path:
    (found,) = (path for path in folder.iterdir() if path.is_dir() and "damaged" not in path.name)
    return found


def test_a_cached_entry_is_returned_unchanged_and_computed_once(tmp_path):
    first = fetch(tmp_path, name="a b/c", x=1)
    assert same(first, fetch(tmp_path, refuse, name="a b/c", x=1))
    assert entry(tmp_path).name.startswith("folded-a_b_c-")
    manifest = json.loads((entry(tmp_path) / "manifest.json").read_text())
    assert manifest["inputs"] == {"name": "a b/c", "x": 1}


def test_another_input_is_another_entry(tmp_path):
    fetch(tmp_path, x=1)
    fetch(tmp_path, x=2)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2


def flip(path: Path) -> None:
    content = bytearray((path / "folded.h5").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "folded.h5").write_bytes(content)


def cut(path: Path) -> None:
    (path / "folded.h5").write_bytes((path / "folded.h5").read_bytes()[:100])


def lose(path: Path) -> None:
    (path / "manifest.json").unlink()


def scribble(path: Path) -> None:
    (path / "manifest.json").write_text("{")


@pytest.mark.parametrize("damage", [flip, cut, lose, scribble])
def test_a_damaged_entry_is_moved_aside_with_a_warning_and_rebuilt(tmp_path, damage):
    first = fetch(tmp_path, x=1)
    damage(entry(tmp_path))
    before = {path.name: path.read_bytes() for path in entry(tmp_path).iterdir()}
    with pytest.warns(CacheWarning, match=r"is damaged \(.*\); moved to .*damaged"):
        again = fetch(tmp_path, x=1)
    assert same(first, again)
    assert same(first, fetch(tmp_path, refuse, x=1))
    (aside,) = tmp_path.glob("*.damaged")
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == before


def test_what_fails_while_it_is_made_leaves_nothing(tmp_path):
    def fail() -> list[FoldedDataset]:
        raise DatasetError("never visible")

    with pytest.raises(DatasetError, match="never visible"):
        fetch(tmp_path, fail, x=1)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match=r"the cache .*file cannot be used.*give another folder"):
        fetch(tmp_path / "file", x=1)


READ = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from nugamma.errors import CacheError
from tests.nugamma.datasets.test_cache import fetch, refuse
try:
    print("read", len(fetch(Path({folder!r}), refuse, x={x})))
except CacheError as error:
    print(error)
"""


def read_only(folder: Path, x: int) -> str:
    """What another process gets of the entry where the folder is mounted read-only."""
    root = str(Path(__file__).parents[3])
    code = READ.format(root=root, folder=str(folder), x=x)
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" -c "$3"'
    words = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount]
    done = run(*words, "sh", folder, sys.executable, code, status=None)
    if done.returncode and ("unshare" in done.stderr or "mount:" in done.stderr):
        pytest.skip(f"needs mounts in a namespace of its own: {done.stderr.strip()}")
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_filled_cache_can_be_read_only(tmp_path):
    fetch(tmp_path, x=1)
    assert read_only(tmp_path, x=1) == "read 1\n"
    assert "cannot be used" in read_only(tmp_path, x=2)
    (entry(tmp_path) / "folded.h5").write_bytes(b"")
    assert "is damaged" in read_only(tmp_path, x=1)
    assert "give another folder" in read_only(tmp_path, x=1)


def make_and_note(folder: Path, notes: Path, barrier) -> None:
    def make() -> list[FoldedDataset]:
        with notes.open("a") as handle:
            handle.write("made\n")
        return made()

    barrier.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        fetch(folder, make, x=1)


def test_of_two_processes_at_once_one_makes_the_entry(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    folder, notes = tmp_path / "cache", tmp_path / "notes"
    processes = [
        context.Process(target=make_and_note, args=(folder, notes, barrier)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert notes.read_text() == "made\n"


def test_map_datasets_are_read_back_from_files(tmp_path):
    maps = dataset()
    storage.write_maps([maps], tmp_path)
    (back,) = storage.read_maps(tmp_path)
    assert back.name == "small"
    assert isinstance(back.psf, SourcePSFMap)
    for what in ("exposure", "background", "mask_safe"):
        assert np.array_equal(getattr(back, what).data, getattr(maps, what).data)
    responses = [pixel_response(one, spatial_model(Somewhere()), "gamma") for one in (maps, back)]
    assert responses[0].before_dispersion == pytest.approx(responses[1].before_dispersion, rel=1e-6)


@pytest.fixture(scope="module")
def responses() -> tuple[ArcaResponse, CtaResponse]:
    return ArcaResponse.read(), packaged()


def keys(responses, source=None, step=8 * u.hour) -> list[str]:
    instruments = (
        CTA.replace(response=responses[1]),
        ARCA.replace(response=responses[0], time_step=step),
    )
    return [
        json.dumps(one, sort_keys=True)
        for one in building.inputs(source or Somewhere(), instruments).values()
    ]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("position", Somewhere.position.directional_offset_by(0 * u.deg, 1e-9 * u.deg)),
        ("morphology", "gaussian"),
        ("radius", 0.31 * u.deg),
    ],
)
def test_each_property_of_the_source_is_in_the_key(responses, attribute, value):
    source = Somewhere()
    setattr(source, attribute, value)
    for one, other in zip(keys(responses), keys(responses, source), strict=True):
        assert one != other


def test_response_and_time_step_are_in_the_key(responses):
    cta, arca = keys(responses)
    assert json.loads(cta)["response"] == responses[1].checksum
    assert json.loads(arca)["response"] == responses[0].checksum
    slower = keys(responses, step=24 * u.hour)
    assert slower[0] == cta
    assert slower[1] != arca


@pytest.mark.parametrize(
    ("instruments", "message"),
    [
        (["hess"], "give Instrument objects"),
        ([], "give Instrument objects"),
        ("icecube", "give Instrument objects"),
        ([CTA, CTA.replace(livetime=50 * u.h)], "cta, cta: each needs its own name"),
    ],
)
def test_instruments_that_cannot_be_used_are_refused(instruments, message):
    with pytest.raises(DatasetError, match=message):
        building.build(Somewhere(), instruments)
