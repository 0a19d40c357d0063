"""The HTTP side of the VO services: thin Django views around :mod:`adqlite`."""
