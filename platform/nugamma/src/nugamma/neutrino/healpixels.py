"""HEALPix cells of any size in any frame, and the FITS files that hold them.

A cell is named by its UNIQ number, 4 nside^2 + its number in nested order, so that one list holds
whole-sky maps, parts of the sky and multi-order maps alike. What a file says of its pixels is
honoured: ordering (RING, NESTED, NUNIQ), index scheme (IMPLICIT, EXPLICIT), frame and units.

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

#: The finest cells of HEALPix whose numbers fit into 64 bits.
DEEPEST = 29
#: What files call their frame, and what astropy calls it.
FRAMES = {
    **dict.fromkeys(("C", "CEL", "CELESTIAL", "EQ", "EQUATORIAL", "Q", "ICRS", "I"), "icrs"),
    **dict.fromkeys(("FK5", "J2000"), "fk5"),
    **dict.fromkeys(("G", "GAL", "GALACTIC"), "galactic"),
    **dict.fromkeys(("E", "ECL", "ECLIPTIC"), "barycentricmeanecliptic"),
}
_ORDERINGS = {"RING": "RING", "NEST": "NESTED", "NESTED": "NESTED", "NUNIQ": "NUNIQ"}
#: Names of columns, in lower case.
_VALUES = ("prob", "probability", "probdensity", "prob_density", "probability_density")
_PIXELS = ("pixel", "pix", "ipix", "hpxpixel", "healpix", "index")
#: How far a sum of probabilities may be from 1 before it is refused, or only remarked upon.
FAR, NEAR = 0.02, 1e-3


@dataclass(frozen=True, eq=False)
class Cells:
    """HEALPix cells that do not overlap, each with a probability.

    Parameters
    ----------
    uniq : ndarray of int, shape (n,)
        Cells that are not listed have none.
    probability : ndarray, shape (n,)
        Sums to 1.
    frame : str
        Of the pixels: ``icrs``, ``fk5``, ``galactic`` or ``barycentricmeanecliptic``.
    """

    uniq: Ints
    probability: Floats
    frame: str = "icrs"

    @cached_property
    def order(self) -> Ints:
        """Depth of each cell: 0 for the twelve whole faces, one more with each quartering."""
        return orders(self.uniq)


def orders(uniq: Ints) -> Ints:
    """Depth of cells by their UNIQ numbers, exact up to the deepest."""
    return np.asarray(np.searchsorted(4 * 4 ** np.arange(DEEPEST + 1), uniq, side="right") - 1)


def pixels(uniq: Ints) -> Ints:
    """Numbers of cells in nested order, at the depth of each."""
    return np.asarray(uniq - 4 * 4 ** orders(uniq))


def axes_of(frame: str) -> Floats:
    """Matrix (3, 3) that turns ICRS unit vectors into those of a frame."""
    units = SkyCoord([0, 90, 0], [0, 0, 90], unit="deg", frame="icrs")
    return np.asarray(units.transform_to(frame).cartesian.xyz.value)


def read_cells(
    path: str | Path,
    *,
    column: str | None = None,
    frame: str | None = None,
    normalise: bool = False,
) -> Cells:
    """Read a map of probabilities; parameters and errors as for `SkyMap.read`."""
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
    """Frame of the pixels, as astropy calls it."""
    noted = given or header.get("COORDSYS") or header.get("RADESYS") or header.get("RADECSYS")
    if noted is None or not str(noted).strip():
        warnings.warn(
            f"{path} names no frame (COORDSYS): taken as ICRS; say frame= if it is another",
            FollowUpWarning,
            stacklevel=4,
        )
        return "icrs"
    name = str(noted).strip().upper()
    if name not in FRAMES:
        raise FollowUpError(
            f"{path}: the frame {name!r} is not known; C (equatorial, ICRS), G (galactic) and E "
            "(ecliptic) are"
        )
    return FRAMES[name]


def normalised(values: Floats, what: str, *, normalise: bool = False) -> Floats:
    """Probabilities that sum to 1, made of some that do so roughly (or of any, on request)."""
    total = float(values.sum())
    if abs(total - 1) > FAR and not normalise:
        raise FollowUpError(
            f"{what} sums to {total:.4g} instead of 1: the map holds no probabilities, was cut, or "
            "has other units than it says; with normalise=True it is scaled to 1"
        )
    if abs(total - 1) > NEAR and not normalise:
        warnings.warn(
            f"{what} sums to {total:.4f} instead of 1: scaled to 1", FollowUpWarning, stacklevel=4
        )
    return values / total


def _read(path: str | Path) -> tuple[Table, Any]:
    """The first table of HEALPix pixels in a file, and its header."""
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
                    f"{path}: no table of HEALPix pixels in it (PIXTYPE is not HEALPIX, or it "
                    "holds an image)"
                )
            return Table.read(found[0], unit_parse_strict="silent", mask_invalid=False), found[
                0
            ].header
    except FollowUpError:
        raise
    except Exception as error:  # astropy raises whatever its parsers do
        raise FollowUpError(f"{path}: no FITS file with a table ({error})") from error


def _ordering(path: str | Path, header: Any, names: dict[str, str]) -> str:
    noted = str(header.get("ORDERING", "")).strip().upper()
    if "uniq" in names and noted in ("", "NUNIQ", "UNIQ"):
        return "NUNIQ"
    if not noted:
        warnings.warn(
            f"{path} does not say how its pixels are ordered (ORDERING): taken as RING",
            FollowUpWarning,
            stacklevel=4,
        )
        return "RING"
    if noted not in _ORDERINGS or (noted == "NUNIQ") != ("uniq" in names):
        raise FollowUpError(
            f"{path}: pixels in the order {noted} with the columns {', '.join(names.values())}; "
            "RING, NESTED, or NUNIQ with a column UNIQ are understood"
        )
    return _ORDERINGS[noted]


def _uniq(
    path: str | Path, table: Table, header: Any, names: dict[str, str], ordering: str
) -> tuple[Ints, set[str]]:
    """UNIQ numbers of the pixels, and which columns (lower case) named them."""
    scheme = str(header.get("INDXSCHM", "")).strip().upper()
    if ordering == "NUNIQ":
        uniq = _whole_numbers(path, table[names["uniq"]])
        if np.any(uniq < 4) or np.any(orders(uniq) > DEEPEST) or np.any(uniq >= 16 * 4**DEEPEST):
            raise FollowUpError(f"{path}: column UNIQ has numbers of no cell (4 and more)")
        _refuse_overlaps(path, uniq)
        return uniq, {"uniq"}
    if scheme not in ("", "IMPLICIT", "EXPLICIT"):
        raise FollowUpError(f"{path}: the index scheme {scheme} (INDXSCHM) is not understood")
    explicit = next((name for name in _PIXELS if name in names), None)
    if scheme == "EXPLICIT" and explicit is None:
        raise FollowUpError(
            f"{path}: an explicit index scheme without a column PIXEL; there are "
            f"{', '.join(table.colnames)}"
        )
    if scheme == "IMPLICIT" or explicit is None:
        # All values of a map in rows of one or of 1024, column after column.
        number = max(int(np.size(table[name])) for name in table.colnames)
        nside = _nside(path, header, number)
        if number != 12 * nside**2:
            raise FollowUpError(
                f"{path}: a map of nside {nside} has {12 * nside**2} pixels, there are {number}: "
                "the file is cut short, or holds a part of the sky without saying which"
            )
        pixel = np.arange(number)
        _refuse_other_order(path, table, number, scheme)
        named = set() if explicit is None else {explicit}
    else:
        pixel = _whole_numbers(path, table[names[explicit]])
        nside = _nside(path, header, None)
        if np.any(pixel < 0) or np.any(pixel >= 12 * nside**2):
            raise FollowUpError(f"{path}: pixel numbers beyond those of nside {nside}")
        if len(np.unique(pixel)) != len(pixel):
            raise FollowUpError(f"{path}: column {names[explicit]} names a pixel twice")
        named = {explicit}
    if ordering == "RING":
        import healpy  # type: ignore[import-untyped]

        pixel = healpy.ring2nest(nside, pixel)
    return np.asarray(4 * nside**2 + pixel, dtype=np.int64), named


def _refuse_other_order(path: str | Path, table: Table, number: int, scheme: str) -> None:
    """Refuse a whole map beside a column that numbers its pixels otherwise than they come."""
    for column in table.itercols():
        values = np.ravel(np.ma.getdata(column))
        if values.dtype.kind not in "iu" or values.size != number:
            continue
        there = np.arange(number)
        if not np.array_equal(values, there) and np.array_equal(np.sort(values), there):
            raise FollowUpError(
                f"{path}: column {column.name} numbers the pixels in another order than that of "
                f"the rows, but the index scheme is {scheme or 'not said'}; write INDXSCHM "
                "EXPLICIT and call the column PIXEL if it holds their numbers, or leave it out"
            )


def _nside(path: str | Path, header: Any, number: int | None) -> int:
    noted = header.get("NSIDE")
    if noted is None and number is None:
        raise FollowUpError(f"{path}: a list of pixels needs NSIDE in its header")
    try:
        given = float(noted) if noted is not None else np.floor(np.sqrt((number or 0) / 12))
        nside = int(given)
    except (TypeError, ValueError, OverflowError):
        given, nside = np.nan, 0
    if nside != given:
        raise FollowUpError(f"{path}: NSIDE is {noted!r}, no whole number")
    if nside < 1 or nside & (nside - 1) or nside > 2**DEEPEST:
        raise FollowUpError(
            f"{path}: nside {nside} is not a power of two; draw the map on one that is, with "
            "healpy.ud_grade"
        )
    return nside


def _whole_numbers(path: str | Path, column: Column) -> Ints:
    values = np.ravel(np.ma.getdata(column))
    if np.ma.is_masked(column) or values.dtype.kind not in "iuf":
        raise FollowUpError(f"{path}: column {column.name} has rows without a pixel number")
    if values.dtype.kind == "f" and not np.all(values == np.floor(values)):
        raise FollowUpError(f"{path}: column {column.name} has numbers that are not whole")
    return values.astype(np.int64)


def _refuse_overlaps(path: str | Path, uniq: Ints) -> None:
    depth = orders(uniq)
    width = 4 ** (DEEPEST - depth)
    start = (uniq - 4 * 4**depth) * width
    order = np.argsort(start, kind="stable")
    if np.any(start[order][1:] < (start + width)[order][:-1]):
        raise FollowUpError(f"{path}: cells of the map overlap, so some of the sky counts twice")


def _chosen(path: str | Path, names: dict[str, str], column: str | None, listed: set[str]) -> str:
    """Name of the column with the probabilities."""
    others = [name for name in names if name not in listed]
    if column is not None:
        if column.lower() not in names:
            raise FollowUpError(
                f"{path}: there is no column {column}; it has {', '.join(names.values())}"
            )
        return names[column.lower()]
    for name in _VALUES:
        if name in others:
            return names[name]
    if len(others) == 1:
        return names[others[0]]
    if not others:
        raise FollowUpError(
            f"{path}: it lists pixels without probabilities; read a region with "
            "nugamma.neutrino.regions.CredibleRegion.read"
        )
    raise FollowUpError(
        f"{path}: none of the columns {', '.join(names[name] for name in others)} is called PROB "
        "or PROBDENSITY; say which one holds the probability with column="
    )


def _probability(path: str | Path, column: Column, header: Any, uniq: Ints) -> Floats:
    """Probability of each pixel: a density is multiplied with its area."""
    import healpy

    values = np.ravel(np.ma.getdata(column))
    if values.dtype.kind not in "iuf":
        raise FollowUpError(
            f"{path}: column {column.name} holds no probabilities, but other things"
        )
    values = values.astype(float)
    if len(values) != len(uniq):
        raise FollowUpError(
            f"{path}: column {column.name} has {len(values)} values for {len(uniq)} pixels"
        )
    absent = np.ravel(np.ma.getmaskarray(column))
    for bad in (healpy.UNSEEN, header.get("BAD_DATA")):
        # Single precision holds neither of them exactly.
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
    """Factor to a plain number or to one per sr, and whether it is per solid angle."""
    text = str(column.unit or "").strip()
    if text.lower() in ("", "unknown", "none", "unitless", "probability"):
        return 1.0, "density" in column.name.lower()
    try:
        unit = u.Unit(text)
    except ValueError:
        raise FollowUpError(
            f"{path}: the unit {text!r} of column {column.name} is not known; per pixel, sr-1 or "
            "deg-2 are expected"
        ) from None
    for like, density in ((u.one, False), (u.pix**-1, False), (u.sr**-1, True)):
        if unit.is_equivalent(like):
            return float(unit.to(like)), density
    raise FollowUpError(
        f"{path}: column {column.name} is in {text}, which is no probability per pixel or per "
        "solid angle (sr-1, deg-2)"
    )
