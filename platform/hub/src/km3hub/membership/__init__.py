"""Workshops and their members: what login and starts of servers look up."""
