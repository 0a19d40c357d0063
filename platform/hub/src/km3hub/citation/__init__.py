"""Citing an environment: its image, its version and its packages."""
