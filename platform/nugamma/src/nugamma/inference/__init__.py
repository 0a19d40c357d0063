"""Likelihood, scans of the hadronic fraction, pseudo-experiments and intervals."""
