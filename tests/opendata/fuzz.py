"""`make fuzz`: schemathesis against the OpenAPI document of a running portal.

A portal with demonstration data and a draft is started; programs with every role and programs
without a token send it what the document allows and what it does not, for FUZZ_MINUTES (15). Any
answer of 500 or more is a failure, and is printed with the request that led to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from tests.opendata.running import Server, environment, run, serve

ROLES = ("curator", "reviewer", "alert-sender", "alert-signer")
DRAFT = {"title": "Counts", "ktype": "km3.data.l4", "metadata": {"header": {"name": "Counts"}}}
ECSV = b"""# %ECSV 1.0
# ---
# datatype:
# - {name: energy, unit: GeV, datatype: float64}
# schema: astropy-2.0
energy
1.5
"""


def main() -> int:
    """Fuzz; the exit code is 0 where the server never failed."""
    minutes = float(os.environ.get("FUZZ_MINUTES") or 15)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        variables = environment(folder)
        run(variables, "migrate")
        run(variables, "seed")
        with serve(variables) as server:
            headers = server.token("fuzz", *ROLES)
            _draft(server, headers)
            # One in ten minutes goes to requests without a token.
            code = _fuzz(server, folder, minutes * 0.9, headers)
            code = _fuzz(server, folder, minutes * 0.1, {}) or code
            failed = [line for line in server.log if '"traceback"' in line]
    print(f"\n{len(failed)} errors in the server's log")
    print("\n".join(line[:3000] for line in failed[:20]))
    return 1 if failed else code


def _draft(server: Server, headers: dict[str, str]) -> None:
    new = {"record": {"identifier": "draft24_01"}, "draft": DRAFT}
    path = f"{server.url}/api/v1/records/draft24_01/draft/files/counts.ecsv"
    httpx.post(
        f"{server.url}/api/v1/drafts/", json=new, headers=headers, timeout=60
    ).raise_for_status()
    httpx.put(path, content=ECSV, headers=headers, timeout=60).raise_for_status()


def _fuzz(server: Server, folder: Path, minutes: float, headers: dict[str, str]) -> int:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run"]
    command += [f"{server.url}/api/schema/", "--checks", "not_a_server_error"]
    command += ["--max-time", str(max(1, round(minutes * 60))), "--continue-on-failure"]
    command += ["--request-timeout", "60", "--generation-database", str(folder / "examples")]
    command += ["--warnings", "off"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    # It keeps notes where it runs; modules come from here.
    hooks = {"SCHEMATHESIS_HOOKS": "tests.opendata.fuzz_hooks", "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(command, env=os.environ | hooks, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
