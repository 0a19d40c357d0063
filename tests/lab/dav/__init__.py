"""WebDAV in the user's server."""
