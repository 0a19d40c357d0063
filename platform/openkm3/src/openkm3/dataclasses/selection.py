"""The class for an entry of the catalogue, chosen by its ktype."""

from __future__ import annotations

from ..catalogue import Entry
from .function import Function
from .lookup import LookUpTable
from .media import AcousticSample, Plot
from .resource import KM3Object
from .service import SCSServiceVO
from .tables import AnnotatedTable, HDFTable

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
    """Return the class of an entry: that of the longest prefix of its ktype that has one."""
    word = entry.ktype
    while word:
        if word in _CLASSES:
            cls = _CLASSES[word]
            # The same kind of content may be in HDF5 or another format.
            hdf5 = (entry.filename or entry.url or "").endswith((".h5", ".hdf5"))
            return HDFTable if cls is AnnotatedTable and hdf5 else cls
        word = word.rpartition(".")[0]
    return KM3Object
