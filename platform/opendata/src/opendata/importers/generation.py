"""Generated data with the structure of real data; nothing here was measured.

Values are drawn from simple distributions with a fixed seed, so that every portal gets the same
demonstration data.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from opendata.importers import antares
from openkm3 import annotated
from openkm3.formats import DataSet
from openkm3.metadata import Annotation

MARK = "SIMULATED"
#: Number of generated ANTARES events; declination above which nothing sets at 43 degrees north.
_EVENTS, _HORIZON = 4000, 47
_NOTE = "SIMULATED demonstration data, not measured: do not use them for science."


def _marked(name: str, text: str) -> dict[str, str | None]:
    return {
        "name": f"{MARK} {name}",
        "description": f"{text} {_NOTE}",
        "author": "generated for demonstration",
        "license": "CC0-1.0",
        "reference": "https://www.km3net.org/",
        # Generated on the spot: the date of the real data does not apply.
        "created": None,
    }


def antares_events(number: int = _EVENTS) -> DataSet:
    """Returns an event list like that of ANTARES: below the horizon at 43 deg north, no source."""
    from astropy.table import Table

    draw = np.random.default_rng(2017)
    decl = np.degrees(np.arcsin(draw.uniform(-1, np.sin(np.radians(_HORIZON)), number)))
    mjd = np.sort(draw.uniform(54138, 58118, number))
    table = Table(
        {
            "mjd": mjd.round(4),
            "beta": (0.1 + draw.gamma(2.0, 0.12, number)).clip(0.1, 1.0).round(1),
            "nhit": (13 + draw.exponential(30, number)).astype("i4").clip(13, 260),
            "ra": draw.uniform(0, 360, number).round(1),
            "decl": decl.round(1),
            "id": [f"SIM{row:04d}" for row in range(1, number + 1)],
        },
        units={"mjd": "d", "beta": "deg", "ra": "deg", "decl": "deg"},
    )
    header = _marked("ANTARES-like events", "Neutrino candidates drawn at random.")
    return DataSet({"events": table}, antares.event_annotation(**header))


def acceptance() -> tuple[Annotation, annotated.LookupContent]:
    """Returns a smooth acceptance with the shape of the published one."""
    index = np.arange(1.5, 3.05, 0.1)[:, None]
    sine = np.linspace(-0.95, 0.95, 20)[None, :]
    visible = 1 / (1 + np.exp((sine - 0.75) / 0.08))
    values = 10 ** (0.4 - 5 * (index - 2)) * (1 - 0.25 * sine) * visible
    header = _marked("ANTARES-like acceptance", "A smooth function.")
    return antares.acceptance_of(values, "generated", **header)


def background() -> tuple[Annotation, annotated.PolynomialContent]:
    """Returns the number of generated events expected south of a declination."""
    header = _marked(
        "ANTARES-like background", "Number of events south of a declination, as a polynomial."
    )
    degree = np.pi / 180
    # Events are uniform in the sine of the declination; these are the first terms of its series.
    sine = np.array([0, degree, 0, -(degree**3) / 6, 0, degree**5 / 120])
    expected = _EVENTS * (np.eye(6)[0] + sine) / (1 + np.sin(_HORIZON * degree))
    return antares.background_of(expected, "generated", **header)


def orca_week(number: int = 3000) -> DataSet:
    """Returns events like those of one week of ORCA with four lines."""
    from astropy.table import Table

    draw = np.random.default_rng(44)
    table = Table(
        {
            "angular_error": draw.gamma(2.0, 0.003, number),
            "azimuth": draw.uniform(0, 2 * np.pi, number),
            "dirz": -draw.beta(3, 1.2, number),
            "energy": 10 ** draw.normal(1.5, 0.4, number),
            "internalID": [f"km3net.44.{6151 + row // 500}.{row:06d}" for row in range(number)],
            "mjd": np.sort(draw.uniform(58743.25, 58750.25, number)),
            "nhit": draw.poisson(40, number),
            "quality": draw.gamma(4.0, 35.0, number),
            "group_id": np.arange(number),
        },
        units={"mjd": "d", "energy": "GeV", "azimuth": "rad", "angular_error": "rad"},
    )
    annotation = Annotation.parse(
        {
            "ktype": "km3.data.l3.events.hdf5",
            "header": _marked("week of ORCA", "Downgoing muons as seen by ORCA with four lines.")
            | {
                "contact": "opendata@km3net.de",
                "instrument": "ORCA4",
                "reference": "https://www.km3net.org/",
                "version": "1.0",
                "measurement_start": "2019-09-17T06:00:00",
                "measurement_stop": "2019-09-24T06:00:00",
            },
            "paraminfo": {
                "internalID": {
                    "name": "Event",
                    "description": "detector, run and number",
                    "ucd": "meta.id;meta.main",
                },
                "mjd": {
                    "name": "Time",
                    "description": "Modified Julian Date",
                    "unit": "d",
                    "ucd": "time.epoch",
                },
                "energy": {
                    "name": "Energy",
                    "description": "reconstructed energy",
                    "unit": "GeV",
                    "ucd": "phys.energy",
                    "symbol": "E",
                },
                "azimuth": {
                    "name": "Azimuth",
                    "description": "local azimuth of the track",
                    "unit": "rad",
                    "ucd": "pos.az.azi",
                },
                "dirz": {
                    "name": "Vertical direction",
                    "description": "z of the direction of flight; -1 is straight down",
                },
                "angular_error": {
                    "name": "Angular error",
                    "unit": "rad",
                    "ucd": "stat.error;pos",
                    "description": "error estimate of the reconstruction",
                },
                "nhit": {
                    "name": "Number of hits",
                    "description": "light signals used by the reconstruction",
                    "ucd": "phot.count",
                },
                "quality": {
                    "name": "Quality",
                    "description": "likelihood of the track fit; larger is better",
                },
                "group_id": {"name": "Group", "description": "number of the event in the file"},
            },
            "conditions": {
                "instrument": {
                    "ORCA": {"constraints": {"runtype": "PHYSICS", "duration": "> 2 h"}}
                },
                "selection": {"note": f"{MARK}: no selection was made"},
            },
        }
    )
    group = Table({"group_id": np.arange(number), "event_number": np.arange(1, number + 1)})
    return DataSet({"events": table, "group_info": group}, annotation)


def acoustic_statistics(channel: str) -> DataSet:
    """Returns percentiles of a sound spectrum like that of the quiet deep sea."""
    from astropy.table import Table

    edges = np.linspace(0, 97.5, 66)
    level = 60 - 17 * np.log10(np.maximum(edges[:-1], 1) / 1)
    draw = np.random.default_rng(sum(channel.encode()))
    level += draw.normal(0, 0.8, len(level))
    names = ("frequency_low", "frequency_high", "p50")
    table = Table([edges[:-1], edges[1:], level.round(2)], names=names)
    edge = {"name": "Frequency", "description": "edge of the bin", "unit": "kHz"}
    annotation = Annotation.parse(
        {
            "ktype": "km3.env.acoustic.psd",
            "header": _marked("sound statistics", f"Median power spectral density of {channel}.")
            | {
                "contact": "opendata@km3net.de",
                "instrument": "ORCA",
                "reference": "https://www.km3net.org/",
                "version": "1.0",
                "measurement_start": "2020-09-29T07:00:00",
                "measurement_stop": "2020-09-29T07:10:00",
            },
            "paraminfo": {
                "lower_edge": edge | {"columnname": names[0]},
                "upper_edge": edge | {"columnname": names[1]},
                "value": {
                    "columnname": names[2],
                    "name": "Power spectral density",
                    "description": "median, relative to 1 uPa2/Hz",
                    "unit": "dB",
                },
            },
        }
    )
    return DataSet({"psd": table}, annotation)


def _samples(seconds: int = 2, rate: int = 16_000) -> np.ndarray[Any, Any]:
    time: np.ndarray[Any, Any] = np.arange(seconds * rate) / rate
    draw = np.random.default_rng(808974724)
    whistle = (
        0.3
        * np.sin(2 * np.pi * (3000 * time + 1200 * time**2))
        * np.exp(-(((time - 1) / 0.25) ** 2))
    )
    loud = (20_000 * (whistle + draw.normal(0, 0.03, len(time)))).clip(-32767, 32767)
    samples: np.ndarray[Any, Any] = loud.astype("<i2")
    return samples


def _wav(path: Path, rate: int = 16_000) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(_samples(rate=rate).tobytes())
    path.write_bytes(buffer.getvalue())


def _raw(path: Path) -> None:
    path.write_bytes(_samples().tobytes())


def _mp3(path: Path, frames: int = 80) -> None:
    # MPEG-1 layer III, 128 kbit/s, 44.1 kHz, one channel. A frame of zeros decodes to silence, so
    # that no encoder is needed for a file that players open.
    path.write_bytes((b"\xff\xfb\x90\xc4" + bytes(413)) * frames)


#: Writers of a sound in each form, and what the sound is.
SOUNDS: dict[str, Callable[[Path], None]] = {"wav": _wav, "mp3": _mp3, "raw": _raw}
SOUNDS_SAY = {
    "wav": f"{MARK}: noise with a whistle, generated.",
    "mp3": f"{MARK}: two seconds of silence.",
    "raw": f"{MARK}: noise with a whistle, generated; 16 bit, little endian, 16000 a second.",
}
