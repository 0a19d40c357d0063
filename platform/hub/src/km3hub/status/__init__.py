"""The status page: what works, what does not, and since when, for everybody who can open it."""
