"""Queries on SQLite: functions of ADQL, limits, and the engine that runs them."""
