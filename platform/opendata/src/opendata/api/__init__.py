"""REST: reading for everybody, writing for who has a token."""
