"""Tests of openkm3."""
