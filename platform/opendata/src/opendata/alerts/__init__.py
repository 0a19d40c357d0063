"""Alerts: handed in, signed off, and published as a feed."""
