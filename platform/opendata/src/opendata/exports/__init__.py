"""Records in the words of others: openkm3, DataCite, BibTeX, schema.org, OAI-PMH ..."""
