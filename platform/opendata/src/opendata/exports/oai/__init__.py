"""OAI-PMH 2.0: harvesting by libraries, in Dublin Core and DataCite."""
