"""Described tables, and how SQLite keeps them."""
