"""TAP 1.1, ADQL 2.1 and cone search on tables in SQLite."""
