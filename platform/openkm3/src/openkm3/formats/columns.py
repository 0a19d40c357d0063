"""The model of a column: values, mask, unit and meaning.

Every reader and every writer uses it, so a value that one format marks as missing is missing in all
of them. A :class:`~openkm3.formats.DataSet` holds it as an astropy column: a ``MaskedColumn`` whose
mask marks the missing values, with the meaning in its ``description`` and ``meta``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .objects import inferred
from .texts import decoded

if TYPE_CHECKING:
    from astropy.table import Column, MaskedColumn
    from astropy.units import UnitBase

Array = np.ndarray[Any, Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Meaning:
    """The meaning of a column.

    Attributes
    ----------
    description : str
        One readable sentence.
    ucd, utype, symbol : str
        Unified Content Descriptor, role in a data model, symbol in formulas.
    xtype : str
        What a text encodes, e.g. ``json``.
    timescale : str
        For times: ``utc``, ``tt``, ``tai``, ... (empty means UTC).
    mjdref : str
        For times that are numbers with a unit: the MJD of their zero, as decimal text.
    frame : str
        For positions: the coordinate frame, if the file names one, followed by its equinox unless
        that is B1950 for FK4 or J2000 for FK5: ``fk5 J2015.5``.
    """

    description: str = ""
    ucd: str = ""
    utype: str = ""
    symbol: str = ""
    xtype: str = ""
    timescale: str = ""
    mjdref: str = ""
    frame: str = ""

    def plain(self) -> dict[str, str]:
        """Return the attributes that are set, as dict."""
        return {key: value for key, value in vars(self).items() if value}

    @classmethod
    def parse(cls, content: Any) -> Meaning:
        """Return the meaning from a dict of :meth:`plain`; other keys and types are ignored."""
        known = content if isinstance(content, dict) else {}
        return cls(**{key: known[key] for key in vars(cls()) if isinstance(known.get(key), str)})


@dataclass(frozen=True)
class ColumnData:
    """A column, independent of its file format.

    Attributes
    ----------
    values : numpy.ndarray
        In native byte order. The first axis is the row; with further axes each row is an array.
        Types are bool, signed and unsigned integers, float, complex, text (``U``), times
        (``datetime64``), and objects that are one-dimensional arrays (rows of varying length).
    mask : numpy.ndarray of bool or None
        In the shape of `values`: True where there is no value; the content of `values` is undefined
        there. None if no value is missing (other than NaN and NaT).
    unit : astropy.units.UnitBase or None
        A unit that astropy does not know is an ``UnrecognizedUnit``.
    meaning : Meaning
        Description, UCD, ...
    """

    values: Array
    mask: Mask | None = None
    unit: UnitBase | None = None
    meaning: Meaning = field(default_factory=Meaning)

    @classmethod
    def make(
        cls,
        values: Any,
        mask: Any = None,
        unit: UnitBase | str | None = None,
        meaning: Meaning | None = None,
    ) -> ColumnData:
        """Make a column from the array that a file library returned.

        Bytes become text, objects get the type that fits their values, byte order becomes native,
        and durations (``timedelta64``) become integers with a unit.

        Raises
        ------
        TypeError
            If a column cannot hold the type of the values; the message names it.
        """
        array = np.ma.getdata(values)
        missing = _whole_mask(values, mask, array.shape)
        if isinstance(unit, str) or type(unit).__name__ == "UnrecognizedUnit":
            unit = kept_unit(str(unit))
        if array.dtype.kind == "O":
            array, unset = inferred(array, missing)
            missing = _united(missing, unset)
        if array.dtype.kind == "S":
            array = decoded(array)
        if array.dtype.kind == "M":
            array = _counted_instants(array)
        if array.dtype.kind == "m":
            array, missing, unit = _duration(array, missing)
        if array.dtype.kind not in "biufcUMO":
            raise TypeError(f"values of type {array.dtype} cannot be stored in a column")
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        known = None if missing is None or not missing.any() else missing
        return cls(native, known, unit, meaning or Meaning())

    @classmethod
    def of(cls, column: Any) -> ColumnData:
        """Return the model of a column of a table, or of an astropy mixin (Time, Quantity).

        Raises
        ------
        TypeError
            If a column cannot hold its type.
        """
        from astropy.time import Time, TimeDelta

        info = getattr(column, "info", None)
        meta = dict(getattr(info, "meta", None) or {})
        meaning = Meaning.parse(
            meta | {"description": str(getattr(info, "description", None) or "")}
        )
        if isinstance(column, Time):
            return _of_time(column, meaning)
        if isinstance(column, TimeDelta):
            days = column.to_value("jd")
            return cls.make(np.ma.getdata(days), column.mask, "d", meaning)
        values = column.value if hasattr(column, "to_value") else column
        if not hasattr(values, "dtype"):
            raise TypeError(f"a column of type {type(column).__name__} cannot be stored")
        mask = getattr(column, "mask", None)
        plain = getattr(values, "unmasked", values)
        return cls.make(np.asarray(plain), mask, getattr(column, "unit", None), meaning)

    def to_table(self) -> Column | MaskedColumn:
        """Return the astropy column; masked only if a value is missing."""
        from astropy.table import Column, MaskedColumn

        meta = self.meaning.plain()
        description = meta.pop("description", None)
        more: dict[str, Any] = {"unit": self.unit, "description": description, "meta": meta}
        if self.mask is None:
            return Column(self.values, copy=False, **more)
        return MaskedColumn(self.values, mask=self.mask, copy=False, **more)

    @property
    def missing(self) -> Mask:
        """True where a value is masked, NaN or NaT, in the shape of :attr:`values`."""
        result = np.zeros(self.values.shape, dtype=bool) if self.mask is None else self.mask
        return result | np.isnan(self.values) if self.values.dtype.kind in "fcM" else result

    @property
    def kind(self) -> str:
        """The kind of the values in numpy's letters (``b i u f c U M O``)."""
        return str(self.values.dtype.kind)

    def filled(self, value: Any) -> Array:
        """Return the values with `value` in place of masked ones (a copy if any is masked)."""
        if self.mask is None:
            return self.values
        result = self.values.copy()
        result[self.mask] = value
        return result

    def numbers(self) -> Array:
        """Return numbers as float64; missing values are NaN."""
        result = self.values.astype(float)
        if self.mask is not None:
            result[self.mask] = np.nan
        return result

    def with_values(self, values: Array, mask: Mask | None = None) -> ColumnData:
        """Return the same column with other values."""
        return replace(self, values=values, mask=mask)


def missing(column: Any) -> Mask:
    """Return the mask of missing values of a column: masked, NaN or NaT.

    Parameters
    ----------
    column : astropy.table.Column or array
        A column of :attr:`DataSet.tables`, a mixin, or an array.

    Returns
    -------
    numpy.ndarray of bool
        In the column's shape.
    """
    return ColumnData.of(column).missing


def kept_unit(text: str | None) -> UnitBase | None:
    """Return a unit, even one that astropy does not know; None for an empty text."""
    from astropy.units import Unit

    from ..metadata.units import parse_unit

    if not text or not text.strip():
        return None
    return parse_unit(text) or Unit(text.strip(), parse_strict="silent")


def _whole_mask(values: Any, mask: Any, shape: tuple[int, ...]) -> Mask | None:
    """Return the mask of an array in its shape; in a missing row every element is missing."""
    own = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    if mask is None or mask is np.ma.nomask:
        return own
    given = np.asarray(mask, dtype=bool)
    given = given.reshape(given.shape + (1,) * (len(shape) - given.ndim))
    return _united(own, np.broadcast_to(given, shape))


def _united(first: Mask | None, second: Mask | None) -> Mask | None:
    if first is None or second is None:
        return second if first is None else first
    return np.asarray(first | second)


def _duration(array: Array, mask: Mask | None) -> tuple[Array, Mask | None, UnitBase | None]:
    """Return durations as integers with a unit that astropy knows."""
    from astropy.units import Unit

    name, count = np.datetime_data(array.dtype)
    known = {"D": "d", "h": "h", "m": "min", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}
    if name not in known:
        raise TypeError(f"values of type {array.dtype} cannot be stored in a column")
    gone = np.isnat(array)
    return array.astype(np.int64) * count, _united(mask, gone), Unit(known[name])


def _counted_instants(array: Array) -> Array:
    """Return times in s, ms, us or ns, which all formats can hold."""
    unit, count = np.datetime_data(array.dtype)
    if unit in ("s", "ms", "us", "ns") and count == 1:
        return array
    if unit in ("ps", "fs", "as"):
        exact = array.astype("datetime64[ns]")
        if np.any(exact.astype(array.dtype) != array[...]) and not np.isnat(array).all():
            raise TypeError("times finer than nanoseconds cannot be stored in a column")
        return exact
    return array.astype(
        "datetime64[s]" if unit not in ("ms", "us", "ns") else f"datetime64[{unit}]"
    )


def _of_time(time: Any, meaning: Meaning) -> ColumnData:
    """Return times to the nanosecond, as text if ``datetime64`` cannot hold them (leap seconds)."""
    shown = time.copy(format="isot")
    shown.precision = 9
    mask = np.broadcast_to(np.asarray(time.mask, dtype=bool), time.shape)
    texts = np.asarray(getattr(shown.value, "unmasked", np.ma.getdata(shown.value)), dtype="U")
    texts = np.where(mask, "", texts)
    meaning = replace(meaning, timescale="" if time.scale == "utc" else str(time.scale))
    values = instants(texts)
    if values is None:
        return ColumnData.make(texts, mask, None, replace(meaning, xtype="timestamp"))
    return ColumnData.make(values, mask, None, meaning)


def time(data: ColumnData) -> Any:
    """Return a column of times as astropy's Time, masked where a value is missing."""
    from astropy.time import Time

    gone = data.missing
    texts = np.where(gone, "2000-01-01T00:00:00", np.datetime_as_string(data.values))
    scale = data.meaning.timescale or "utc"
    # astropy must not convert scales that it does not know (GPS, times at the barycentre).
    known = scale if scale in Time.SCALES else "local"
    result = Time(texts, format="isot", scale=known, precision=9)
    if gone.any():
        result[gone] = np.ma.masked
    result.info.description = data.meaning.description or None
    return result


def instants(texts: Array) -> Array | None:
    """Return ISO 8601 texts as times in ns, None if any is not a time; an empty text is NaT."""
    shown = np.char.rstrip(texts.astype("U"), "Z")
    years = {text[:4] for text in shown.ravel().tolist() if text}
    # 64-bit nanoseconds end in 1677 and 2262 and silently wrap around.
    if any(len(year) < 4 or not year.isdigit() or not 1678 <= int(year) < 2262 for year in years):
        return None
    try:
        return np.where(shown == "", "NaT", shown).astype("datetime64[ns]")
    except ValueError:
        return None
