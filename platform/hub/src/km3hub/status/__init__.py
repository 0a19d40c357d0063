"""The status page: what works, what does not, and since when. Public."""
