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
#: Where the checkout came from a bundle, its packages; there may be no network.
WHEELS = ROOT / "wheels"

sys.path.insert(0, str(OWN / "launcher" / "src"))
from km3up.version import BUILD_VARIABLE, version_of  # noqa: E402 - from the checkout, not installed

#: For each kind of `.venv` its locks, and the platform's own distributions; none: all of them.
CONTENTS = {
    "hub": (("hub", "launcher"), ("settings", "visitor", "hub", "launcher")),
    "dev": (("dev",), ()),
}


def stop(message: str) -> None:
    """End with a message for the person who can act."""
    sys.exit(f"\nStopped: {message}")


def run(*command: str | Path, problem: str) -> None:
    """Run a command; if it fails, show its last lines and what to do."""
    # A path may contain letters that the caller's locale (C, in cron) lacks.
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    result = subprocess.run(
        [str(part) for part in command],
        env=environment, capture_output=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    if result.returncode:
        words = (result.stderr or result.stdout).strip().splitlines()[-8:]
        stop(problem + "\n  " + "\n  ".join(words))


def own_python() -> str:
    """Returns the line of `.venv/pyvenv.cfg` with its Python's version; empty if there is none."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    # A broken link: the Python that it was made with was removed.
    if not (VENV / "bin" / "python").exists():
        return ""
    return next((line for line in lines if line.startswith("version")), "")


def fingerprint(name: str) -> str:
    """Returns a digest of everything that the installed environment depends on."""
    content = (own_python() + version_of(ROOT)).encode()
    pyprojects = sorted(OWN.glob("*/pyproject.toml"))
    for path in (
        LOCKS / "uv.txt",
        *(LOCKS / f"{lock}.txt" for lock in CONTENTS[name][0]),
        *pyprojects,
    ):
        content += path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def shorten_paths() -> None:
    """Let `.venv` name the checkout relative to itself if its path has letters beyond ASCII.

    Python 3.11 reads these files in the encoding of the locale, and does not start where that is
    ASCII (LC_ALL=C, cron) and a path is not.
    """
    own = os.fsencode(ROOT).decode("utf-8", "replace")  # as the file has it, not the locale
    for file in VENV.glob("lib/python3*/site-packages/*.pth"):
        here = os.fsencode(file.parent).decode("utf-8", "replace")
        text = file.read_text(encoding="utf-8")
        lines = [
            os.path.relpath(line, here) if line.startswith(own) else line
            for line in text.splitlines()
        ]
        short = "\n".join(lines) + "\n"
        if not text.isascii() and short.isascii():
            file.write_text(short, encoding="ascii")


def main() -> None:
    """Install the requested locks into `.venv`, unless they are installed already."""
    name = sys.argv[1]
    shorten_paths()
    stamp = VENV / f".installed-{name}"
    # The Python that runs this does not matter once `.venv` has its own.
    if own_python() and stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint(name):
        return
    if not own_python() and not (3, 11) <= sys.version_info[:2] < (3, 14):
        stop(
            f"Python {sys.version.split()[0]} is {sys.executable}; the platform needs 3.11, 3.12"
            " or 3.13. Name one: make up PYTHON=/path/to/python3.12"
        )
    print(f"Installing .venv ({name}) ...", flush=True)
    packages = ["--no-index", "--find-links", WHEELS] if WHEELS.is_dir() else []
    python = VENV / "bin" / "python"
    if not own_python():
        run(
            sys.executable, "-m", "venv", "--clear", VENV,
            problem="this Python cannot make virtual environments. On Debian and Ubuntu:"
            " apt-get install python3-venv",
        )  # fmt: skip
    offline = (
        "packages could not be fetched. The first start needs the network; nothing is lost,"
        " run the same command again when there is one. Behind a proxy set https_proxy, behind"
        " a site certificate authority set SSL_CERT_FILE."
    )
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    run(*pip, "--no-compile", "--require-hashes", "-r", LOCKS / "uv.txt", problem=offline)
    os.environ.update({"VIRTUAL_ENV": str(VENV), BUILD_VARIABLE: version_of(ROOT)})
    uv = [VENV / "bin" / "uv", "--quiet", "pip", "install", *packages]
    locks, names = CONTENTS[name]
    chosen = [word for lock in locks for word in ("-r", LOCKS / f"{lock}.txt")]
    # The first login waits for the hub, and Python compiles what it imports; `dev` runs all of it.
    compiling = ["--compile-bytecode"] if name == "dev" else []
    run(*uv, "--require-hashes", *compiling, *chosen, problem=offline)
    names = names or tuple(sorted(p.parent.name for p in OWN.glob("*/pyproject.toml")))
    own = [word for part in names for word in ("-e", OWN / part)]
    run(*uv, "--no-deps", "--build-constraints", LOCKS / "uv.txt", *own, problem=offline)
    shorten_paths()
    stamp.write_text(fingerprint(name), encoding="utf-8")


if __name__ == "__main__":
    main()
