"""Make `.venv` from the locks: the first step of every command of the Makefile.

Needs nothing but Python >= 3.11 (standard library only). Usage: bootstrap.py hub|dev
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "platform"
LOCKS = OWN / "locks"
VENV = ROOT / ".venv"


def stop(message: str) -> None:
    """End with a message for the person who can act."""
    sys.exit(f"\nStopped: {message}")


def run(*command: str | Path, problem: str) -> None:
    """Run a command; where it fails, show its own last words and what to do."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode:
        words = (result.stderr or result.stdout).strip().splitlines()[-8:]
        stop(problem + "\n  " + "\n  ".join(words))


def fingerprint(name: str) -> str:
    """What the installed environment depends on."""
    content = sys.version.encode()
    for path in (LOCKS / "uv.txt", LOCKS / f"{name}.txt", *sorted(OWN.glob("*/pyproject.toml"))):
        content += path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Bring `.venv` to the lock that is asked for, unless it is there already."""
    name = sys.argv[1]
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        stop(
            f"Python {sys.version.split()[0]} is {sys.executable}; the platform needs 3.11, 3.12"
            " or 3.13. Name one: make up PYTHON=/path/to/python3.12"
        )
    stamp = VENV / f".installed-{name}"
    if stamp.exists() and stamp.read_text() == fingerprint(name):
        return
    print(f"Installing .venv ({name}) ...", flush=True)
    python = VENV / "bin" / "python"
    if not python.exists():
        run(
            sys.executable, "-m", "venv", VENV,
            problem="this Python cannot make virtual environments. On Debian and Ubuntu:"
            " apt-get install python3-venv",
        )  # fmt: skip
    offline = (
        "packages could not be fetched. The first start needs the network; nothing is lost,"
        " run the same command again when there is one. Behind a proxy set https_proxy, behind"
        " a site certificate authority set SSL_CERT_FILE."
    )
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "-r", LOCKS / "uv.txt", problem=offline)
    os.environ.update(VIRTUAL_ENV=str(VENV))
    uv = [VENV / "bin" / "uv", "--quiet", "pip", "install"]
    lock = LOCKS / f"{name}.txt"
    run(*uv, "--require-hashes", "--compile-bytecode", "-r", lock, problem=offline)
    # Tests import all of the platform's own distributions, `make up` only the hub.
    names = (
        ["hub"] if name == "hub" else sorted(p.parent.name for p in OWN.glob("*/pyproject.toml"))
    )
    own = [word for part in names for word in ("-e", OWN / part)]
    run(*uv, "--no-deps", "--build-constraints", LOCKS / "uv.txt", *own, problem=offline)
    stamp.write_text(fingerprint(name))


if __name__ == "__main__":
    main()
