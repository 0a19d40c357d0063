"""The Open Data Center."""
