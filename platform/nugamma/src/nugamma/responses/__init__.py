"""Instrument responses: KM3NeT/ARCA, ARCA230, ANTARES and CTA."""
