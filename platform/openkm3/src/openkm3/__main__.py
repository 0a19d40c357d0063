"""``python -m openkm3``."""

from __future__ import annotations

from .cli import main

main(prog_name="openkm3")
