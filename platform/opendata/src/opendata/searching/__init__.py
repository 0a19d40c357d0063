"""Full text search: how words are taken apart, the index in the database, and spelling."""
