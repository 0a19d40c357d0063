"""Neutrinos alone: visibility, sensitivity, limits, stacking and follow-up."""
