"""Differential fluxes from the flux points of gammapy and GADF.

The five kinds of the format (https://gamma-astro-data-formats.readthedocs.io, flux points):

====================  ==========================================================================
columns               differential flux at e_ref
====================  ==========================================================================
dnde                  unchanged
e2dnde                e2dnde / e_ref^2
norm, ref_dnde        norm * ref_dnde (likelihood profiles)
flux, e_min, e_max    flux over the integral of a reference spectrum, times that spectrum at e_ref
eflux, e_min, e_max   the same with the energy flux
====================  ==========================================================================

The reference spectrum connects the points themselves by straight lines in log-log, found by
iteration: gammapy's default, a power law of index 2, is 17 % off in bins of half a decade for an
index of 3. gammapy's own reader is not used for the numbers, as it assumes bins without gaps and
their geometric mean as e_ref.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.table import QTable

from nugamma.errors import SourceError, SourceWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from astropy.table import Table
    from gammapy.modeling.models import SpectralModel
    from numpy.typing import NDArray

#: Column that identifies each kind of table, in order of preference, and its unit.
KINDS = {
    "dnde": "cm-2 s-1 TeV-1",
    "e2dnde": "TeV cm-2 s-1",
    "flux": "cm-2 s-1",
    "eflux": "TeV cm-2 s-1",
    "norm": "",
}
#: Iterations of the reference spectrum, each of which improves it by a factor of ten.
_ITERATIONS = 8


def differential(table: Table, what: str) -> QTable:
    """Returns the measurements of a table as e_ref, dnde and dnde_err.

    Upper limits (``is_ul``, or a limit without a flux) and rows without any value are left out with
    a warning. Asymmetric errors are replaced by the mean of both sides.

    Parameters
    ----------
    table : Table
        Column names may be in upper or lower case.
    what : str
        Beginning of each message.

    Raises
    ------
    SourceError
        If columns or units are missing, or an error or flux is missing while the other is not.
    """
    columns = {name.lower(): table[name] for name in table.colnames}
    energies = {
        name: _values(columns, name, "TeV", what)
        for name in ("e_ref", "e_min", "e_max")
        if name in columns
    }
    kind = _kind(table, columns, what)
    if "time_min" in columns and len(table) > 1:
        raise SourceError(f"{what} are a light curve; use a table with one row per energy")
    value = _values(columns, kind, KINDS[kind], what)
    error = _error(columns, kind, what)
    limit = _is_limit(columns, kind, value, error, what)
    empty = ~limit & np.isnan(value) & np.isnan(error)
    used = ~limit & ~empty
    if not used.all():
        _warn_unused(what, len(value), int(limit.sum()), int(empty.sum()))
    if not used.any():
        raise SourceError(f"{what} are empty: none of the {len(value)} rows is a measurement")
    rows = np.flatnonzero(used) + 1
    for name, numbers in ((kind, value), (f"{kind}_err", error)):
        _refuse(~np.isfinite(numbers[used]), rows, f"{what}: column {name} is not a finite number")
    energy = _energies({name: e[used] for name, e in energies.items()}, rows, what)
    if kind == "norm":
        factor = _values(columns, "ref_dnde", KINDS["dnde"], what)[used]
        _refuse(~(factor > 0), rows, f"{what}: ref_dnde is not positive")
    else:
        factor = _factor(kind, energy, value[used], what)
    points = QTable(meta=dict(table.meta))
    points["e_ref"] = energy["e_ref"] * u.TeV
    points["dnde"] = value[used] * factor * u.Unit(KINDS["dnde"])
    points["dnde_err"] = error[used] * factor * u.Unit(KINDS["dnde"])
    return points


def _kind(table: Table, columns: dict[str, Any], what: str) -> str:
    sed_type = str({k.upper(): v for k, v in table.meta.items()}.get("SED_TYPE", "")).lower()
    kind = "norm" if sed_type == "likelihood" else sed_type
    if kind not in KINDS or kind not in columns:
        kind = next((name for name in KINDS if name in columns), "")
    if not kind:
        raise SourceError(
            f"{what}: no column dnde, {', '.join(list(KINDS)[1:-1])} or norm; the columns are "
            f"{table.colnames}"
        )
    return kind


def _values(columns: dict[str, Any], name: str, unit: str, what: str) -> NDArray[np.float64]:
    """Returns the numbers of a column in a unit; NaN where masked or infinite."""
    if name not in columns:
        raise SourceError(f"{what}: column {name} is missing; the columns are {list(columns)}")
    column = columns[name]
    given = getattr(column, "unit", None)
    if given is None and unit:
        raise SourceError(f"{what}: column {name} has no unit; it needs one like {u.Unit(unit)}")
    try:
        factor = u.Unit(given or "").to(unit)
    except (u.UnitConversionError, TypeError):
        raise SourceError(
            f"{what}: column {name} has the unit {given}; it needs one like {u.Unit(unit)}"
        ) from None
    plain = getattr(column, "unmasked", column)
    try:
        numbers = np.array(np.ma.getdata(getattr(plain, "value", plain)), dtype=np.float64)
    except (TypeError, ValueError):
        raise SourceError(f"{what}: column {name} does not contain numbers") from None
    if numbers.ndim != 1:
        raise SourceError(f"{what}: column {name} has several values per row")
    numbers[np.broadcast_to(getattr(column, "mask", False), numbers.shape)] = np.nan
    numbers[~np.isfinite(numbers)] = np.nan
    return np.asarray(numbers * factor)


def _error(columns: dict[str, Any], kind: str, what: str) -> NDArray[np.float64]:
    """Returns the error of each value: symmetric, else the mean of both sides of any sign."""
    names = [f"{kind}_errn", f"{kind}_errp"]
    both = [_values(columns, n, KINDS[kind], what) for n in names if n in columns]
    mean = np.mean(np.abs(both), axis=0) if len(both) == 2 else None
    if f"{kind}_err" not in columns:
        if mean is None:
            raise SourceError(
                f"{what}: column {kind}_err is missing (or {names[0]} and {names[1]}); the "
                f"columns are {list(columns)}"
            )
        return np.asarray(mean)
    error = _values(columns, f"{kind}_err", KINDS[kind], what)
    return error if mean is None else np.where(np.isnan(error), mean, error)


def _is_limit(
    columns: dict[str, Any],
    kind: str,
    value: NDArray[np.float64],
    error: NDArray[np.float64],
    what: str,
) -> NDArray[np.bool_]:
    """Returns which rows are upper limits: by their flag, or as they have no measurement."""
    found = np.zeros(len(value), dtype=bool)
    if "is_ul" in columns:
        column = columns["is_ul"]
        mask = np.broadcast_to(getattr(column, "mask", False), found.shape)
        flags = np.asarray(np.ma.getdata(getattr(column, "unmasked", column)))
        if flags.dtype.kind in "SUO":
            words = [str(getattr(f, "decode", lambda f=f: f)()).strip().lower() for f in flags]
            unknown = set(words) - {"true", "t", "1", "yes", "false", "f", "0", "no", ""}
            if unknown:
                raise SourceError(
                    f"{what}: column is_ul has {unknown.pop()!r} instead of true or false"
                )
            flags = np.isin(words, ["true", "t", "1", "yes"])
        found |= flags.astype(bool) & ~mask
    if f"{kind}_ul" in columns:
        limit = _values(columns, f"{kind}_ul", KINDS[kind], what)
        found |= np.isfinite(limit) & (np.isnan(value) | np.isnan(error))
    return found


def _warn_unused(what: str, rows: int, limits: int, empty: int) -> None:
    parts = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in (
            (limits, "is an upper limit", "are upper limits"),
            (empty, "has no value", "have no value"),
        )
        if number
    ]
    warnings.warn(
        f"{what}: {' and '.join(parts)} among {rows} rows; not used in fits",
        SourceWarning,
        stacklevel=4,
    )


def _energies(
    found: dict[str, NDArray[np.float64]], rows: NDArray[np.int64], what: str
) -> dict[str, NDArray[np.float64]]:
    """Returns checked energies in TeV; e_ref is taken from the edges if it is missing."""
    for name, energy in found.items():
        _refuse(np.isnan(energy), rows, f"{what}: column {name} is not a finite number")
        _refuse(~(energy > 0), rows, f"{what}: column {name} is not positive")
    if {"e_min", "e_max"} <= found.keys():
        wrong = ~(found["e_max"] > found["e_min"])
        _refuse(wrong, rows, f"{what}: e_max is not above e_min")
        found.setdefault("e_ref", np.sqrt(found["e_min"] * found["e_max"]))
    if "e_ref" not in found:
        raise SourceError(f"{what}: column e_ref is missing (or e_min and e_max)")
    return found


def _factor(
    kind: str, energy: dict[str, NDArray[np.float64]], value: NDArray[np.float64], what: str
) -> NDArray[np.float64]:
    """Returns the ratio of the differential flux to the value in the table."""
    if kind == "dnde":
        return np.ones(len(value))
    if kind == "e2dnde":
        return np.asarray(energy["e_ref"] ** -2)
    missing = [name for name in ("e_min", "e_max") if name not in energy]
    if missing:
        raise SourceError(
            f"{what}: column {missing[0]} is missing; integral fluxes need e_min and e_max"
        )
    return _of_integrals(kind, energy, value)


def _of_integrals(
    kind: str, energy: dict[str, NDArray[np.float64]], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    from gammapy.modeling.models import PowerLawSpectralModel, TemplateSpectralModel

    e_ref, low, high = (energy[name] * u.TeV for name in ("e_ref", "e_min", "e_max"))

    def factor(model: SpectralModel) -> NDArray[np.float64]:
        integral: Callable[..., Any] = model.integral if kind == "flux" else model.energy_flux
        over = [integral(a, b).to_value(KINDS[kind]) for a, b in zip(low, high, strict=True)]
        return np.asarray(model(e_ref).to_value(KINDS["dnde"]) / np.ravel(over))

    # For an index of 2, gammapy divides by zero before it takes the right formula.
    with np.errstate(divide="ignore", invalid="ignore"):
        found = factor(PowerLawSpectralModel(index=2))
        order = np.argsort(energy["e_ref"])
        positive = order[value[order] > 0]
        if len(np.unique(energy["e_ref"][positive])) == len(positive) >= 2:
            for _ in range(_ITERATIONS):
                through = u.Quantity((found * value)[positive], KINDS["dnde"])
                found = factor(TemplateSpectralModel(e_ref[positive], through))
    return found


def _refuse(bad: NDArray[np.bool_], rows: NDArray[np.int64], what: str) -> None:
    if np.any(bad):
        raise SourceError(f"{what} in row {', '.join(str(row) for row in rows[bad])}")
