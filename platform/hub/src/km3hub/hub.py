"""`python -m km3hub.hub`: JupyterHub with the platform's configuration."""

from __future__ import annotations

import sys
from pathlib import Path

from km3hub.imports import skip_unused

__all__ = ["CONFIGURATION", "main"]

CONFIGURATION = Path(__file__).with_name("jupyterhub_config.py")


def main() -> None:
    """Run the hub; further arguments are JupyterHub's."""
    skip_unused()
    from jupyterhub.app import JupyterHub

    JupyterHub.launch_instance([f"--config={CONFIGURATION}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
