"""What :meth:`openkm3.store.KM3Store.get` returns: one class a kind of content.

The class is chosen by the entry's ktype (:func:`class_for`).
"""

from __future__ import annotations

import math
import re
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import annotated
from .catalogue import Entry
from .errors import FormatError, MissingPackage, OpenKM3Error, ServerError
from .messages import display_markdown, log, markdown_table
from .metadata import Annotation, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from pyvo.dal import SCSService, TAPService

    from .formats import DataSet
    from .library import Library

#: Most rows that are asked of a service at once.
_MOST_ROWS = 10_000_000

PARAMINFO_COLUMNS = ("Parameter", "Name", "Description", "Unit", "Symbol", "Range")


class KM3Object:
    """Any resource; its file is at :attr:`path` and its bytes are :attr:`data`.

    Attributes
    ----------
    entry : openkm3.catalogue.Entry
        What the catalogue says of it.
    """

    def __init__(self, entry: Entry, library: Library) -> None:
        self.entry = entry
        self._library = library

    @property
    def identifier(self) -> str:
        """The entry's identifier."""
        return self.entry.identifier

    @property
    def title(self) -> str:
        """The entry's title."""
        return self.entry.title

    @cached_property
    def path(self) -> Path:
        """Where the file is on this computer; it is downloaded if need be."""
        return self._library.file(self.entry).file

    @cached_property
    def data(self) -> Any:
        """The content; which type it has depends on the class."""
        return self.path.read_bytes()

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo."""
        return self.entry.metadata

    @property
    def metadata(self) -> dict[str, Any]:
        """All that the catalogue says of it, as dict."""
        return self.entry.model_dump(mode="json", exclude_none=True)

    @property
    def conditions(self) -> dict[str, Any] | None:
        """The conditions under which the data were taken and selected."""
        return self.annotation.conditions

    def get_origin(self) -> dict[str, Any]:
        """Return the ranges of time, zenith ... that the data come from."""
        return self.annotation.origin.plain()

    def get_paraminfo(self) -> dict[str, Any]:
        """Return name, description, unit and symbol of each parameter."""
        return {key: parameter.plain() for key, parameter in self.annotation.paraminfo.items()}

    def show_metadata(self) -> None:
        """Display the metadata as table."""
        rows = [*_rows(self.metadata, hidden=("children", "tables", "aliases", "metadata"))]
        rows += [*_rows(self.annotation.plain(), hidden=("paraminfo",))]
        display_markdown(f"## {self.title}\n" + markdown_table(("Key", "Value"), rows))

    def show_paraminfo(self) -> None:
        """Display what the parameters are, as table."""
        rows = [
            (key, p.name, p.description, p.unit, p.symbol, p.range)
            for key, p in self.annotation.paraminfo.items()
        ]
        display_markdown(markdown_table(PARAMINFO_COLUMNS, rows))


class _AnnotatedObject(KM3Object):
    """A file of annotated JSON."""

    @cached_property
    def _document(self) -> tuple[Annotation, annotated.Content]:
        return annotated.read(self.path)

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo; those of the file if the catalogue has none."""
        known = self.entry.metadata
        return known if known.paraminfo else self._document[0]


class LookUpTable(_AnnotatedObject):
    """A quantity on a grid of two parameters."""

    @cached_property
    def content(self) -> annotated.LookupContent:
        """Axes and values."""
        content = self._document[1]
        if not isinstance(content, annotated.LookupContent):
            raise FormatError(self.path, "is no lookup table")
        return content

    @cached_property
    def data(self) -> dict[int, list[float | None]]:
        """Column number to values, such that ``DataFrame.from_dict`` makes the table of it."""
        return {
            number: [row[number] for row in self.content.values]
            for number in range(len(self.content.xaxis))
        }

    def lookup(self, xvalue: float, yvalue: float) -> float | None:
        """Return the quantity at a point.

        Parameters
        ----------
        xvalue, yvalue : float or astropy.units.Quantity
            The parameters ``xaxis`` and ``yaxis`` of :meth:`show_paraminfo`, in their units if they
            have none of their own.

        Returns
        -------
        float or None
            Value of the bin or nearest point; None, with a warning, out of range or where the table
            has no value.
        """
        known = self.annotation.paraminfo
        xvalue = _in_unit_of(known.get("xaxis"), xvalue)
        yvalue = _in_unit_of(known.get("yaxis"), yvalue)
        for axis, value in (("x", xvalue), ("y", yvalue)):
            parameter = self.annotation.paraminfo.get(f"{axis}axis")
            if parameter and parameter.range and not _inside(axis, value, parameter.range):
                return None
        row = self.content.values[self.content.yaxis.index(yvalue)]
        result = row[self.content.xaxis.index(xvalue)]
        if result is None:
            log.warning("There is no value at x value %s, y value %s", xvalue, yvalue)
        return result

    def get_dataframe(self) -> pd.DataFrame:
        """Return the table; index and columns are the points or bin centres of the axes."""
        import pandas as pd

        frame = pd.DataFrame.from_dict(self.data).astype(float)
        for side, axis in (("columns", self.content.xaxis), ("index", self.content.yaxis)):
            values = axis.points or [
                (a + b) / 2 for a, b in zip(axis.edges or [], (axis.edges or [])[1:], strict=False)
            ]
            label = "xaxis" if side == "columns" else "yaxis"
            parameter = self.annotation.paraminfo.get(label)
            name = parameter.name if parameter and parameter.name else label
            if axis.transform != "linear":
                name = f"{axis.transform.split('_')[0]}({name})"
            index = pd.Index(np.round(values, 12), name=name)
            frame = frame.set_axis(index, axis=side)
        return frame


class Function(_AnnotatedObject):
    """A quantity as function of one parameter."""

    @cached_property
    def content(self) -> annotated.PolynomialContent:
        """Type and coefficients."""
        content = self._document[1]
        if not isinstance(content, annotated.PolynomialContent):
            raise FormatError(self.path, "is no function")
        return content

    @property
    def functiontype(self) -> str:
        """Kind of the function, e.g. ``polynomial``."""
        return self.content.functiontype

    @cached_property
    def data(self) -> list[float]:
        """The coefficients, lowest order first."""
        return list(self.content.coefficients)

    def evaluate(self, xvalue: Any) -> Any:
        """Return the function's value.

        Parameters
        ----------
        xvalue : float, array or astropy.units.Quantity
            The parameter ``xvalue`` of :meth:`show_paraminfo`, in its unit if it has none of its
            own; masked elements count as NaN.

        Returns
        -------
        float, array or None
            Out of range None, with a warning; NaN in an array.
        """
        parameter = self.annotation.paraminfo.get("xvalue")
        xvalue = _in_unit_of(parameter, xvalue)
        values = np.polynomial.polynomial.polyval(np.asarray(xvalue, dtype=float), self.data)
        limits = parameter.range if parameter else None
        if np.ndim(xvalue) == 0:
            return float(values) if not limits or _inside("x", xvalue, limits) else None
        if limits:
            x = np.asarray(xvalue, dtype=float)
            return np.where((x >= limits[0]) & (x <= limits[1]), values, np.nan)
        return values


class TableObject(KM3Object):
    """A file of tables, of any format that :mod:`openkm3.formats` reads."""

    @cached_property
    def dataset(self) -> DataSet:
        """All tables with units, and the file's metadata."""
        from .formats import read

        return read(self.path)

    @property
    def annotation(self) -> Annotation:
        """Header, origin and paraminfo; those of the file if the catalogue has none."""
        known = self.entry.metadata
        return known if known.paraminfo or known.header.plain() else self._annotation_of_file

    @cached_property
    def _annotation_of_file(self) -> Annotation:
        from .formats import detect, hdf5

        # HDF5 gives its metadata without the data.
        if detect(self.path) == "hdf5":
            return hdf5.annotation(self.path)
        return self.dataset.annotation

    @property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return self.entry.tables or list(self.dataset.tables)

    @cached_property
    def data(self) -> Any:
        """The main table as pandas DataFrame."""
        return self.get_dataframe()

    def get_dataframe(self, table: str | None = None) -> pd.DataFrame:
        """Return a table as pandas DataFrame.

        Parameters
        ----------
        table : str, optional
            Its name; the table of events, or the first one, by default.
        """
        from .formats.dataset import frame

        return frame(self._table(table))

    def _table(self, name: str | None) -> Any:
        if name is None:
            return self.dataset.main_table()[1]
        if name not in self.dataset.tables:
            raise FormatError(
                self.path, f"has no table {name!r}, only {', '.join(self.dataset.tables)}"
            )
        return self.dataset.tables[name]


class AnnotatedTable(TableObject):
    """A table with its metadata in the file (ECSV, VOTable, FITS)."""


class HDFTable(TableObject):
    """Tables in HDF5."""

    def chunks(self, table: str = "events", rows: int = 250_000) -> Iterator[Any]:
        """Yield a table in pieces, as structured arrays; files larger than memory can be read."""
        from .formats import hdf5

        return hdf5.stream(self.path, table, rows)


class SCSServiceVO(KM3Object):
    """A table in the Virtual Observatory, to be searched with pyvo or taken as a whole."""

    def get_tap(self) -> TAPService:
        """Return pyvo's TAP service."""
        return self._pyvo().TAPService(self._address("tap"))

    def get_scs(self) -> SCSService:
        """Return pyvo's cone search service."""
        return self._pyvo().SCSService(self._address("scs"))

    @property
    def table(self) -> str:
        """The table's name in ADQL, e.g. ``ant20_01.main``."""
        name = self.entry.service.table if self.entry.service else None
        if not name or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", name):
            raise OpenKM3Error(f"{self.identifier}: the catalogue names no table of the service")
        return name

    @cached_property
    def data(self) -> Any:
        """The full table as pandas DataFrame."""
        return self.get_dataframe()

    def get_dataframe(self) -> pd.DataFrame:
        """Return the full table, column names in lower case.

        It comes from the published file where there is one, so that it works offline from the
        cache, else from the TAP service.
        """
        from .formats.dataset import frame

        if self.entry.url:
            from .formats import read

            result = frame(read(self.path).main_table()[1])
        else:
            result = self._query_all()
        result.columns = [str(name).lower() for name in result.columns]
        return result

    def _query_all(self) -> pd.DataFrame:
        from .formats.dataset import frame

        query = f"SELECT * FROM {self.table}"  # noqa: S608 - the name was checked
        dal = self._pyvo()
        try:
            # A table that is cut at the service's limit must not pass for the full one.
            with warnings.catch_warnings():
                warnings.simplefilter("error", dal.DALOverflowWarning)
                result = self.get_tap().run_sync(query, maxrec=_MOST_ROWS)
        except dal.DALOverflowWarning:
            raise OpenKM3Error(
                f"{self.table} is larger than the service gives at once: select a part of it with "
                "get_tap()"
            ) from None
        except dal.DALAccessError as error:
            raise ServerError(f"{self._address('tap')}: {error}") from error
        return frame(result.to_table())

    def show_paraminfo(self) -> None:
        """Print the table's name, what it is, and its columns."""
        dal = self._pyvo()
        try:
            service = self.get_scs()
            _ = service.columns  # asks the service, before anything is printed
        except dal.DALAccessError as error:
            log.warning("The service cannot be asked, this is from the catalog: %s", error)
            super().show_paraminfo()
            return
        print(f"Table: {self.table}")
        service.describe()

    def _address(self, kind: str) -> str:
        address = getattr(self.entry.service, kind, None) if self.entry.service else None
        if not address:
            raise OpenKM3Error(f"{self.identifier} has no {kind.upper()} service")
        return self._library.address(address)

    @staticmethod
    def _pyvo() -> Any:
        try:
            import pyvo.dal
        except ImportError:
            raise MissingPackage("Searching the Virtual Observatory", "vo") from None
        return pyvo.dal


class AcousticSample(KM3Object):
    """Sound as wav file; :attr:`data` are the samples, one column a channel if there are more."""

    @cached_property
    def rate(self) -> int:
        """Samples a second."""
        return self._read()[0]

    @cached_property
    def data(self) -> Any:
        """The samples."""
        return self._read()[1]

    def _read(self) -> tuple[int, Any]:
        import wave

        widths = {1: "u1", 2: "<i2", 4: "<i4"}
        try:
            with wave.open(str(self.path)) as file:
                samples = np.frombuffer(
                    file.readframes(file.getnframes()), dtype=widths[file.getsampwidth()]
                )
                channels = file.getnchannels()
                shaped = samples.reshape(-1, channels) if channels > 1 else samples
                return file.getframerate(), shaped
        except (wave.Error, EOFError, KeyError, ValueError) as error:
            raise FormatError(self.path, f"cannot be read as wav: {error}") from error


class Plot(KM3Object):
    """A finished figure; a notebook shows it."""

    def _repr_png_(self) -> bytes | None:
        content = self.data
        return content if content.startswith(b"\x89PNG") else None

    def _repr_svg_(self) -> str | None:
        start = self.data[:512].lstrip()
        return self.data.decode("utf-8", "replace") if start.startswith(b"<") else None


_CLASSES: dict[str, type[KM3Object]] = {
    "km3.resource.service": SCSServiceVO,
    "km3.resource.plot": Plot,
    "km3.data.l4.lookup": LookUpTable,
    "km3.data.l4.function": Function,
    "km3.data.l3.events.hdf5": HDFTable,
    "km3.data": AnnotatedTable,
    "km3.daq": AnnotatedTable,
    "km3.env.acoustic.wav": AcousticSample,
    "km3.env.acoustic.psd": AnnotatedTable,
}


def class_for(entry: Entry) -> type[KM3Object]:
    """Return the class for an entry: that of the longest part of its ktype that has one."""
    word = entry.ktype
    while word:
        if word in _CLASSES:
            cls = _CLASSES[word]
            # The same content may be kept in HDF5 or another format.
            hdf5 = (entry.filename or entry.url or "").endswith((".h5", ".hdf5"))
            return HDFTable if cls is AnnotatedTable and hdf5 else cls
        word = word.rpartition(".")[0]
    return KM3Object


def _in_unit_of(parameter: Parameter | None, value: Any) -> Any:
    """Return numbers in the unit of a parameter, NaN where they are masked.

    Raises
    ------
    OpenKM3Error
        If they have a unit that cannot be converted to it.
    """
    if value is np.ma.masked:
        return math.nan
    if hasattr(value, "mask"):
        gone = np.asarray(value.mask)
        plain = np.asarray(getattr(value, "unmasked", np.ma.getdata(value)), dtype=float)
        unit = getattr(value, "unit", None)
        value = np.where(gone, np.nan, plain)
    else:
        unit = getattr(value, "unit", None)
    if unit is None:
        return value
    from astropy.units import Quantity, UnitsError

    from .metadata.units import parse_unit

    wanted = parse_unit(parameter.unit) if parameter and parameter.unit else None
    try:
        numbers = Quantity(value, unit).to_value(wanted or "")
    except (UnitsError, TypeError):
        known = (parameter.unit if parameter else None) or "a number without unit"
        raise OpenKM3Error(f"a value in {unit} was given where {known} is expected") from None
    return float(numbers) if np.ndim(numbers) == 0 else numbers


def _inside(axis: str, value: float, limits: tuple[float, float]) -> bool:
    low, high = limits
    inside = low <= value <= high and not math.isnan(value)
    if not inside:
        log.warning("%s value %s out of range. Range is %s", axis, value, [low, high])
    return inside


def _rows(
    content: dict[str, Any], hidden: tuple[str, ...], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if key in hidden or value in (None, "", [], {}):
            continue
        if isinstance(value, dict):
            yield from _rows(value, (), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
