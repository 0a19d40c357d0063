"""Embedded services of the Virtual Observatory: TAP and cone search on SQLite."""
