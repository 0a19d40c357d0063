"""Workshops: accounts that end together, their handout, and the archives of their homes."""
