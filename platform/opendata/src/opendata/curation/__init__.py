"""Curation in a browser: drafts, uploads, review, publication, withdrawal."""
