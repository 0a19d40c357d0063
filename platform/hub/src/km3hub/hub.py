"""`python -m km3hub.hub`: JupyterHub with the platform's configuration."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from km3hub.database import reserve
from km3settings.runtime import Runtime

__all__ = ["CONFIGURATION", "main"]

CONFIGURATION = Path(__file__).with_name("jupyterhub_config.py")


def main() -> None:
    """Run the hub; further arguments are JupyterHub's."""
    state = Runtime.from_environment().state
    state.create()
    logging.captureWarnings(True)
    reserve(state.database)
    from jupyterhub.app import JupyterHub

    JupyterHub.launch_instance([f"--config={CONFIGURATION}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
