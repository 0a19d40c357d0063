"""A filter for optional libraries of the Python that runs Ansible."""

from __future__ import annotations

import importlib.util
from typing import Any


def importable(name: Any) -> bool:
    """Return whether Ansible's own Python can import a top-level module."""
    return importlib.util.find_spec(str(name)) is not None


class FilterModule:
    """The filters by the names that roles use."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"km3net_importable": importable}
