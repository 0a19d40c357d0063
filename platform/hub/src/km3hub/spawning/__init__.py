"""How a user's server is chosen and started."""
