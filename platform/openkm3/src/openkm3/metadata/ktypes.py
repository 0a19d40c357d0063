"""The vocabulary of content types ("ktype") of entries and blocks of metadata.

The words follow KM3NeT's concept of a ktype. KM3NeT's own list is not public, so this one is the
platform's. Names are dotted from general to specific: ``km3.data.l4.lookup`` is a ``km3.data.l4``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class KType(BaseModel):
    """One word of the vocabulary."""

    model_config = ConfigDict(frozen=True)

    name: str
    label: str
    description: str

    @property
    def broader(self) -> str | None:
        """Name of the next broader word, None at the top."""
        parent = self.name.rpartition(".")[0]
        while parent and parent not in KTYPES:
            parent = parent.rpartition(".")[0]
        return parent or None


_WORDS = [
    ("km3.collection", "collection", "resources that belong together, e.g. those of an analysis"),
    ("km3.stream", "stream", "many pieces of data of the same kind"),
    ("km3.resource", "resource", "anything that has its own entry in the catalogue"),
    ("km3.resource.paper", "paper", "a publication, found under its DOI"),
    ("km3.resource.software", "software", "a program or library, found under its address"),
    ("km3.resource.plot", "plot", "a finished figure"),
    ("km3.resource.service.scs", "cone search", "a Simple Cone Search service of the VO"),
    ("km3.resource.service.tap", "TAP service", "a table access service of the VO"),
    ("km3.data.l2", "level 2 data", "reconstructed events with their hits and tracks"),
    ("km3.data.l3.events", "event list", "one row per event, selected for an analysis"),
    ("km3.data.l3.events.hdf5", "event list (HDF5)", "an event list in HDF5"),
    ("km3.data.l3.events.fits", "event list (FITS)", "an event list in FITS, GADF or VODF"),
    ("km3.data.l3.events.votable", "event list (VOTable)", "an event list as VOTable"),
    ("km3.data.l4", "high-level data", "results derived from events or simulations"),
    ("km3.data.l4.lookup", "lookup table", "a quantity on a grid of two parameters"),
    ("km3.data.l4.function.polynomial", "polynomial", "a quantity as a polynomial of a parameter"),
    ("km3.data.l4.histogram.1d", "histogram", "counts or rates in bins of one parameter"),
    ("km3.data.l4.histogram.2d", "2D histogram", "counts or rates in bins of two parameters"),
    ("km3.data.l4.table.binned", "binned table", "a quantity in bins, one row per bin"),
    ("km3.data.l4.table.binned.aeff", "effective area", "effective area in bins"),
    ("km3.data.l4.table.binned.aeff1d", "effective area (1D)", "effective area in bins of energy"),
    ("km3.data.l4.table.binned.psf", "point spread function", "angular resolution in bins"),
    ("km3.data.l4.table.binned.edisp", "energy dispersion", "energy resolution in bins"),
    ("km3.data.l4.table.binned.bkg", "background", "expected background in bins"),
    ("km3.event.alert", "alert", "a multi-messenger alert"),
    ("km3.env.acoustic", "acoustic data", "sound recorded in the deep sea"),
    ("km3.env.acoustic.wav", "sound (wav)", "a recording as wav file"),
    ("km3.env.acoustic.mp3", "sound (mp3)", "a recording as mp3 file"),
    ("km3.env.acoustic.raw", "sound (raw)", "a recording as raw samples"),
    ("km3.env.acoustic.psd", "sound statistics", "spectral density and its percentiles"),
    ("km3.daq.summaryslices", "summary slices", "rates of all photomultipliers over time"),
    ("km3.daq.events", "triggered events", "hits of events as written by the data filter"),
    ("km3.range.time", "time range", "from measurement_start to measurement_stop"),
    ("km3.range.angle", "angular range", "from min to max of an angle"),
    ("km3.range.energy", "energy range", "from min to max of an energy"),
    ("km3.parameter", "parameter", "the description of a column or an axis"),
]

KTYPES: dict[str, KType] = {
    name: KType(name=name, label=label, description=text) for name, label, text in _WORDS
}
