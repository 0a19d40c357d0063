"""The process that reads a stranger's file; started by :func:`opendata.describing.describe_safely`.

Exit codes: 0 described, 2 unreadable (the reason on standard output), 3 out of memory.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

from opendata.describing import Unreadable, describe


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Describe the file of the command line."""
    path, name, memory = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    # What reading needs is loaded first: the limit is for the file, not for libraries.
    for module in ("astropy.table", "h5py", "openkm3.formats"):
        import_module(module)
    _limit(memory)
    try:
        text = json.dumps(describe(path, name), allow_nan=False)
    except Unreadable as error:
        sys.stdout.write(str(error))
        return 2
    except MemoryError:
        return 3
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
