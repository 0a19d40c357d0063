"""The bundle: the platform as one file for a machine without network."""
