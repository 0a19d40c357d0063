"""Install `deploy/.venv` from its lock: Ansible, and what checks and tests the deployment.

The first step of every `make` target of the deployment; does nothing if it is up to date.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "platform" / "locks" / "deploy.txt"
BUILD = ROOT / "platform" / "locks" / "uv.txt"
SETTINGS = ROOT / "platform" / "settings"
VENV = ROOT / "deploy" / ".venv"
UV = Path(sys.executable).with_name("uv")


def fingerprint() -> str:
    """Return a digest of all that the environment is installed from."""
    content = sys.version.encode()
    for path in (LOCK, BUILD, SETTINGS / "pyproject.toml"):
        content += path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def run(*command: str | Path) -> None:
    """Run uv; if it fails, exit with the end of its output."""
    done = subprocess.run(
        [str(part) for part in (UV, "--quiet", *command)],
        capture_output=True,
        text=True,
        env=os.environ | {"VIRTUAL_ENV": str(VENV)},
    )
    if done.returncode:
        words = "\n  ".join(done.stderr.strip().splitlines()[-8:])
        sys.exit(f"cannot install deploy/.venv; check the network and run this again:\n  {words}")


def main() -> None:
    """Install the locked packages, unless they are installed."""
    stamp = VENV / ".installed"
    if stamp.exists() and stamp.read_text() == fingerprint():
        return
    print("Installing Ansible into deploy/.venv (600 MB, a minute or two) ...", flush=True)
    if not (VENV / "bin" / "python").exists():
        run("venv", "--python", sys.executable, VENV)
    # Not compiled to bytecode: of Ansible's 30 000 modules a deployment uses twenty.
    run("pip", "sync", "--require-hashes", LOCK)
    # The model of platform.yaml, read from the checkout.
    run("pip", "install", "--no-deps", "--build-constraints", BUILD, "-e", SETTINGS)
    stamp.write_text(fingerprint())


if __name__ == "__main__":
    main()
