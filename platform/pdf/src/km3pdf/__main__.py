"""`python -m km3pdf BASE`: HTML on standard input, PDF on standard output.

BASE is the address that relative addresses start from: the folder of the notebook.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile

from km3pdf.exporter import REFUSED


def main() -> int:
    """Draw the pages; what goes wrong is one line on standard error."""
    # WeasyPrint prints advice about its own installation before it raises.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    base = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="km3pdf-") as cache:
        # fontconfig keeps a list of fonts; a home may be full or read-only.
        os.environ["XDG_CACHE_HOME"] = cache
        try:
            from km3pdf import pages
        except (ImportError, OSError) as error:
            print(f"WeasyPrint cannot be loaded: {error}", file=sys.stderr)
            return REFUSED
        logging.getLogger("weasyprint").addHandler(logging.NullHandler())
        try:
            pdf = pages.draw(sys.stdin.buffer.read(), base)
        except MemoryError:
            print("Not enough memory to draw the pages. Clear large outputs.", file=sys.stderr)
            return REFUSED
        out.write(pdf)
        out.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
