"""What holds for every test of the repository, wherever it is."""

import os
import sys

# Where this is set, all of the thousands of processes that tests start, and each process that
# collects tests, would compile the platform's code and the tests anew: half of what they cost.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins = ("tests.scopes", "tests.not_run")
