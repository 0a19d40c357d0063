"""Rehearsing a workshop: simulated participants, what they measure, and whether it can go ahead."""
