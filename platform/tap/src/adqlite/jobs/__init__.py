"""Asynchronous queries: jobs of UWS 1.1."""
