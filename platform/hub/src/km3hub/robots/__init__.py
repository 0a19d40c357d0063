"""Robots: the tutorials and the data services, tried on the live platform as a user does."""
