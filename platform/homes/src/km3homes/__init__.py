"""Enforces the limits of homes and scratch folders."""
