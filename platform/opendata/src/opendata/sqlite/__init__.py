"""Django's backend for SQLite, able to read on a full disk."""
