"""Full text search: word stems, the index in the database, and spelling suggestions."""
