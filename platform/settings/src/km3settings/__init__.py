"""The settings of the KM3NeT platform, and every fact that follows from them."""

__version__ = "0.1.0"
