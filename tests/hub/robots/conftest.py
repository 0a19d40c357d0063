"""A hub with the platform's own servers."""

from __future__ import annotations

from tests.hub.workshops.conftest import monkeypatch_module, whole_hub

__all__ = ["monkeypatch_module", "whole_hub"]
