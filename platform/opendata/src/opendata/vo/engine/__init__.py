"""The query engine: ADQL on published tables, without Django."""
