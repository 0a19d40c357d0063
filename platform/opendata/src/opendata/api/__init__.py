"""REST: reading for everyone, writing with a token."""
