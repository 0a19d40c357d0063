from importlib.util import find_spec

import pytest

NEEDED = ("astropy", "hypothesis", "jsonschema", "lxml", "openkm3")


def pytest_pycollect_makemodule():
    """Skip the folder where its modules could not even be imported."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(
            f"no {', '.join(missing)} here: run with the packages of the dev lock: make test",
            allow_module_level=True,
        )
