"""Alerts: submitted, approved, and published as a feed."""
