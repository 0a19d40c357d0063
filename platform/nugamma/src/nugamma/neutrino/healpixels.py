"""HEALPix cells of any size in any frame, and the FITS files that hold them.

A cell is identified by its UNIQ number, 4 nside^2 + its number in nested order, so whole-sky maps,
partial maps and multi-order maps are all lists of cells. The file's ordering (RING, NESTED, NUNIQ),
index scheme (IMPLICIT, EXPLICIT), frame and units are used.

Sources: HEALPix primer (hierarchy, nested and ring order), IVOA MOC 2.0 section 4 (NUNIQ),
LIGO/Virgo/KAGRA public alerts guide (PROB, PROBDENSITY), healpy's partial maps (EXPLICIT).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Table

from nugamma.errors import FollowUpError, FollowUpWarning

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Order of the finest HEALPix cells whose numbers fit into 64 bits.
DEEPEST = 29
#: Names of frames in files, and in astropy.
FRAMES = {
    **dict.fromkeys(("C", "CEL", "CELESTIAL", "EQ", "EQUATORIAL", "Q", "ICRS", "I"), "icrs"),
    **dict.fromkeys(("FK5", "J2000"), "fk5"),
    **dict.fromkeys(("G", "GAL", "GALACTIC"), "galactic"),
    **dict.fromkeys(("E", "ECL", "ECLIPTIC"), "barycentricmeanecliptic"),
}
_ORDERINGS = {"RING": "RING", "NEST": "NESTED", "NESTED": "NESTED", "NUNIQ": "NUNIQ"}
#: Names of columns with probabilities and with pixel numbers, in lower case.
_VALUES = ("prob", "probability", "probdensity", "prob_density", "probability_density")
_PIXELS = ("pixel", "pix", "ipix", "hpxpixel", "healpix", "index")
#: Deviation of the sum of probabilities from 1 at which a map is refused, and at which a warning
#: is given (ours).
REFUSE_SUM, WARN_SUM = 0.02, 1e-3


@dataclass(frozen=True, eq=False)
class Cells:
    """HEALPix cells that do not overlap, each with a probability.

    Parameters
    ----------
    uniq : ndarray of int, shape (n,)
        Cells; those not listed have zero probability.
    probability : ndarray, shape (n,)
        Probability of each cell; sums to 1.
    frame : str
        Frame of the pixels: ``icrs``, ``fk5``, ``galactic`` or ``barycentricmeanecliptic``.
    """

    uniq: Ints
    probability: Floats
    frame: str = "icrs"

    @cached_property
    def order(self) -> Ints:
        """Order of each cell: 0 for the twelve base pixels, one more with each subdivision."""
        return orders(self.uniq)


def orders(uniq: Ints) -> Ints:
    """Returns the orders of cells from their UNIQ numbers, exact up to `DEEPEST`."""
    return np.asarray(np.searchsorted(4 * 4 ** np.arange(DEEPEST + 1), uniq, side="right") - 1)


def pixels(uniq: Ints) -> Ints:
    """Returns the numbers of cells in nested order, each at its own order."""
    return np.asarray(uniq - 4 * 4 ** orders(uniq))


def axes_of(frame: str) -> Floats:
    """Returns the matrix (3, 3) that rotates ICRS unit vectors into a frame."""
    units = SkyCoord([0, 90, 0], [0, 0, 90], unit="deg", frame="icrs")
    return np.asarray(units.transform_to(frame).cartesian.xyz.value)


def read_cells(
    path: str | Path,
    *,
    column: str | None = None,
    frame: str | None = None,
    normalise: bool = False,
) -> Cells:
    """Reads a map of probabilities; parameters and errors as for `SkyMap.read`."""
    table, header = _read(path)
    names = {name.lower(): name for name in table.colnames}
    ordering = _ordering(path, header, names)
    uniq, listed = _uniq(path, table, header, names, ordering)
    chosen = _chosen(path, names, column, listed)
    values = _probability(path, table[chosen], header, uniq)
    keep = values > 0
    if not keep.any():
        raise FollowUpError(f"{path}: column {chosen} is zero everywhere")
    return Cells(
        uniq[keep],
        normalised(values[keep], f"{path}: column {chosen}", normalise=normalise),
        frame_of(path, header, frame),
    )


def frame_of(path: str | Path, header: Any, given: str | None = None) -> str:
    """Returns the frame of the pixels under its name in astropy."""
    name = given or header.get("COORDSYS") or header.get("RADESYS") or header.get("RADECSYS")
    if name is None or not str(name).strip():
        warnings.warn(
            f"{path} does not name its frame (COORDSYS); ICRS assumed, use frame= for another",
            FollowUpWarning,
            stacklevel=4,
        )
        return "icrs"
    name = str(name).strip().upper()
    if name not in FRAMES:
        raise FollowUpError(
            f"{path}: unknown frame {name!r}; use C (equatorial, ICRS), G (galactic) or E "
            "(ecliptic)"
        )
    return FRAMES[name]


def normalised(values: Floats, what: str, *, normalise: bool = False) -> Floats:
    """Returns probabilities scaled to sum to 1, if they nearly do (or on request)."""
    total = float(values.sum())
    if abs(total - 1) > REFUSE_SUM and not normalise:
        raise FollowUpError(
            f"{what} sums to {total:.4g} instead of 1: the map does not contain probabilities, is "
            "incomplete, or has a wrong unit; use normalise=True to scale it to 1"
        )
    if abs(total - 1) > WARN_SUM and not normalise:
        warnings.warn(
            f"{what} sums to {total:.4f} instead of 1; scaled to 1", FollowUpWarning, stacklevel=4
        )
    return values / total


def _read(path: str | Path) -> tuple[Table, Any]:
    """Returns the first table of HEALPix pixels in a file, and its header."""
    try:
        with fits.open(path, memmap=False) as file:
            found = [
                hdu
                for hdu in file[1:]
                if isinstance(hdu, fits.BinTableHDU)
                and str(hdu.header.get("PIXTYPE", "HEALPIX")).strip().upper() == "HEALPIX"
            ]
            if not found:
                raise FollowUpError(
                    f"{path}: contains no table of HEALPix pixels (PIXTYPE is not HEALPIX, or the "
                    "file is an image)"
                )
            table = Table.read(found[0], unit_parse_strict="silent", mask_invalid=False)
            return table, found[0].header
    except FollowUpError:
        raise
    except Exception as error:  # astropy raises whatever its parsers do
        raise FollowUpError(
            f"{path}: cannot be read as a FITS file with a table: {error}"
        ) from error


def _ordering(path: str | Path, header: Any, names: dict[str, str]) -> str:
    ordering = str(header.get("ORDERING", "")).strip().upper()
    if "uniq" in names and ordering in ("", "NUNIQ", "UNIQ"):
        return "NUNIQ"
    if not ordering:
        warnings.warn(
            f"{path} does not give the order of its pixels (ORDERING); RING assumed",
            FollowUpWarning,
            stacklevel=4,
        )
        return "RING"
    if ordering not in _ORDERINGS or (ordering == "NUNIQ") != ("uniq" in names):
        raise FollowUpError(
            f"{path}: cannot read pixels in the order {ordering} with the columns "
            f"{', '.join(names.values())}; use RING, NESTED, or NUNIQ with a column UNIQ"
        )
    return _ORDERINGS[ordering]


def _uniq(
    path: str | Path, table: Table, header: Any, names: dict[str, str], ordering: str
) -> tuple[Ints, set[str]]:
    """Returns the UNIQ numbers of the pixels, and the columns (lower case) that gave them."""
    scheme = str(header.get("INDXSCHM", "")).strip().upper()
    if ordering == "NUNIQ":
        uniq = _whole_numbers(path, table[names["uniq"]])
        if np.any(uniq < 4) or np.any(orders(uniq) > DEEPEST) or np.any(uniq >= 16 * 4**DEEPEST):
            raise FollowUpError(f"{path}: column UNIQ has invalid cell numbers")
        _refuse_overlaps(path, uniq)
        return uniq, {"uniq"}
    if scheme not in ("", "IMPLICIT", "EXPLICIT"):
        raise FollowUpError(
            f"{path}: unknown index scheme {scheme} (INDXSCHM); use IMPLICIT or EXPLICIT"
        )
    explicit = next((name for name in _PIXELS if name in names), None)
    if scheme == "EXPLICIT" and explicit is None:
        raise FollowUpError(
            f"{path}: the explicit index scheme needs a column PIXEL; the columns are "
            f"{', '.join(table.colnames)}"
        )
    if scheme == "IMPLICIT" or explicit is None:
        # A row has one value, or 1024 of them.
        number = max(int(np.size(table[name])) for name in table.colnames)
        nside = _nside(path, header, number)
        if number != 12 * nside**2:
            raise FollowUpError(
                f"{path}: a map of nside {nside} has {12 * nside**2} pixels, the file has "
                f"{number}: "
                "it is truncated, or a partial map without a column PIXEL"
            )
        pixel = np.arange(number)
        _refuse_other_order(path, table, number, scheme)
        named = set() if explicit is None else {explicit}
    else:
        pixel = _whole_numbers(path, table[names[explicit]])
        nside = _nside(path, header, None)
        if np.any(pixel < 0) or np.any(pixel >= 12 * nside**2):
            raise FollowUpError(f"{path}: pixel numbers out of range for nside {nside}")
        if len(np.unique(pixel)) != len(pixel):
            raise FollowUpError(f"{path}: column {names[explicit]} has the same pixel twice")
        named = {explicit}
    if ordering == "RING":
        import healpy  # type: ignore[import-untyped]

        pixel = healpy.ring2nest(nside, pixel)
    return np.asarray(4 * nside**2 + pixel, dtype=np.int64), named


def _refuse_other_order(path: str | Path, table: Table, number: int, scheme: str) -> None:
    """Refuses a whole-sky map with a column that numbers its pixels in another order."""
    for column in table.itercols():
        values = np.ravel(np.ma.getdata(column))
        if values.dtype.kind not in "iu" or values.size != number:
            continue
        there = np.arange(number)
        if not np.array_equal(values, there) and np.array_equal(np.sort(values), there):
            raise FollowUpError(
                f"{path}: column {column.name} numbers the pixels in another order than the rows, "
                f"but the index scheme is {scheme or 'missing'}; set INDXSCHM to EXPLICIT and call "
                "the column PIXEL if it has their numbers, or remove it"
            )


def _nside(path: str | Path, header: Any, number: int | None) -> int:
    header_nside = header.get("NSIDE")
    if header_nside is None and number is None:
        raise FollowUpError(f"{path}: a partial map needs NSIDE in its header")
    try:
        given = (
            float(header_nside)
            if header_nside is not None
            else np.floor(np.sqrt((number or 0) / 12))
        )
        nside = int(given)
    except (TypeError, ValueError, OverflowError):
        given, nside = np.nan, 0
    if nside != given:
        raise FollowUpError(f"{path}: NSIDE is {header_nside!r}, not a whole number")
    if nside < 1 or nside & (nside - 1) or nside > 2**DEEPEST:
        raise FollowUpError(
            f"{path}: nside {nside} is not a power of two; convert the map with healpy.ud_grade"
        )
    return nside


def _whole_numbers(path: str | Path, column: Column) -> Ints:
    values = np.ravel(np.ma.getdata(column))
    if np.ma.is_masked(column) or values.dtype.kind not in "iuf":
        raise FollowUpError(f"{path}: column {column.name} has missing pixel numbers")
    if values.dtype.kind == "f" and not np.all(values == np.floor(values)):
        raise FollowUpError(f"{path}: column {column.name} has pixel numbers that are not whole")
    return values.astype(np.int64)


def _refuse_overlaps(path: str | Path, uniq: Ints) -> None:
    depth = orders(uniq)
    width = 4 ** (DEEPEST - depth)
    start = (uniq - 4 * 4**depth) * width
    order = np.argsort(start, kind="stable")
    if np.any(start[order][1:] < (start + width)[order][:-1]):
        raise FollowUpError(
            f"{path}: cells of the map overlap, so a part of the sky would count twice"
        )


def _chosen(path: str | Path, names: dict[str, str], column: str | None, listed: set[str]) -> str:
    """Returns the name of the column with the probabilities."""
    others = [name for name in names if name not in listed]
    if column is not None:
        if column.lower() not in names:
            raise FollowUpError(
                f"{path}: no column {column}; the columns are {', '.join(names.values())}"
            )
        return names[column.lower()]
    for name in _VALUES:
        if name in others:
            return names[name]
    if len(others) == 1:
        return names[others[0]]
    if not others:
        raise FollowUpError(
            f"{path}: contains pixels without probabilities; read it as a region with "
            "nugamma.neutrino.regions.CredibleRegion.read"
        )
    raise FollowUpError(
        f"{path}: none of the columns {', '.join(names[name] for name in others)} is called PROB "
        "or PROBDENSITY; name the one with the probability in column="
    )


def _probability(path: str | Path, column: Column, header: Any, uniq: Ints) -> Floats:
    """Returns the probability of each pixel; a density is multiplied by its area."""
    import healpy

    values = np.ravel(np.ma.getdata(column))
    if values.dtype.kind not in "iuf":
        raise FollowUpError(f"{path}: column {column.name} does not contain numbers")
    values = values.astype(float)
    if len(values) != len(uniq):
        raise FollowUpError(
            f"{path}: column {column.name} has {len(values)} values for {len(uniq)} pixels"
        )
    absent = np.ravel(np.ma.getmaskarray(column))
    for bad in (healpy.UNSEEN, header.get("BAD_DATA")):
        # Neither is exact in single precision.
        if isinstance(bad, int | float) and abs(bad) > 1:
            absent = absent | np.isclose(values, bad, rtol=1e-5, atol=0)
    values[absent] = 0.0
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        raise FollowUpError(
            f"{path}: the sky map has NaN or negative probabilities in {wrong.sum()} of "
            f"{len(values)} pixels (column {column.name})"
        )
    factor, density = _unit(path, column)
    areas = 4 * np.pi / (12 * 4.0 ** orders(uniq))
    return np.asarray(values * factor * (areas if density else 1.0))


def _unit(path: str | Path, column: Column) -> tuple[float, bool]:
    """Returns the factor to a plain number or to sr-1, and whether it is per solid angle."""
    text = str(column.unit or "").strip()
    if text.lower() in ("", "unknown", "none", "unitless", "probability"):
        return 1.0, "density" in column.name.lower()
    try:
        unit = u.Unit(text)
    except ValueError:
        raise FollowUpError(
            f"{path}: column {column.name} has the unknown unit {text!r}; use none (per pixel), "
            "sr-1 or deg-2"
        ) from None
    for like, density in ((u.one, False), (u.pix**-1, False), (u.sr**-1, True)):
        if unit.is_equivalent(like):
            return float(unit.to(like)), density
    raise FollowUpError(
        f"{path}: column {column.name} has the unit {text}, which is neither a probability per "
        "pixel "
        "nor per solid angle (sr-1, deg-2)"
    )
