"""Make `deploy/.venv`: Ansible and what checks and tests the deployment, from the lock.

The first step of every `make` target of the deployment; does nothing where it is up to date.
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
    """What the installed environment depends on."""
    content = sys.version.encode()
    for path in (LOCK, BUILD, SETTINGS / "pyproject.toml"):
        content += path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def run(*command: str | Path) -> None:
    """Run uv; where it fails, end with its last words."""
    done = subprocess.run(
        [str(part) for part in (UV, "--quiet", *command)],
        capture_output=True,
        text=True,
        env=os.environ | {"VIRTUAL_ENV": str(VENV)},
    )
    if done.returncode:
        words = "\n  ".join(done.stderr.strip().splitlines()[-8:])
        sys.exit(f"deploy/.venv could not be made; run the same command again:\n  {words}")


def main() -> None:
    """Bring `deploy/.venv` to the lock, unless it is there already."""
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
