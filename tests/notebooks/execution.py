"""Run a tutorial as a user's kernel would, mostly without network, and measure it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tests import commands

#: How long one cell may take before the run is given up, seconds. A busy machine is slow; what a
#: tutorial may take of the processor is asserted by the tests.
CELL_TIMEOUT = 600

#: Commands that start a program in a network namespace of its own: as root, as anybody.
_NAMESPACES = (["unshare", "--net"], ["unshare", "--map-root-user", "--net"])


@dataclass(frozen=True)
class Run:
    """What came out of one tutorial, and what it took."""

    numbers: dict[str, Any]
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    network: str
    prefix: str


def network_cut() -> tuple[list[str], dict[str, str], str]:
    """The strongest way to take the network from a program that is permitted here.

    Returns
    -------
    command, environment, description
        What to put before the program, what to add to its environment, and how to call it.
    """
    for command in _NAMESPACES:
        try:
            if commands.run(*command, "true", status=None).returncode == 0:
                return command, {}, "own network namespace (" + " ".join(command) + ")"
        except FileNotFoundError:
            break
    closed = "http://127.0.0.1:9"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return [], dict.fromkeys(names, closed), "proxies that point to a closed port"


def _kernel(prefix: Path, folder: Path, before: list[str]) -> AsyncKernelManager:
    launch = [f"{prefix}/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    specification = {
        "argv": [*before, *launch],
        "display_name": "Python 3",
        "language": "python",
    }
    place = folder / "kernels" / "python3"
    place.mkdir(parents=True, exist_ok=True)
    (place / "kernel.json").write_text(json.dumps(specification))
    specs = KernelSpecManager(kernel_dirs=[str(place.parent)], ensure_native_kernel=False)
    # Files instead of TCP ports, as a kernel without network has no loopback either.
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=specs,
        transport="ipc",
        ip=str(folder / "socket"),
        connection_file=str(folder / "connection.json"),
    )


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _cpu_seconds(pid: int) -> float:
    # Fields 14 and 15 of proc(5) stat; the name before them may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _last_line(notebook: nbformat.NotebookNode) -> dict[str, Any]:
    cell = notebook.cells[-1]
    text = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
    return json.loads(text.strip().splitlines()[-1])


def run(
    notebook: nbformat.NotebookNode,
    *,
    prefix: Path,
    folder: Path,
    home: Path,
    server: str | None = None,
) -> Run:
    """Execute `notebook` with the Python of `prefix`, in an empty working directory.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Outputs are written into it.
    prefix : Path
        Of the science environment; its `bin/python` runs the kernel.
    folder : Path
        Empty; holds the kernel's sockets and, as `work`, its working directory.
    home : Path
        HOME of the kernel, where libraries keep their caches.
    server : str, optional
        Address of an Open Data Center, for tutorials that need one; without it the kernel has no
        network.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        Where a cell fails.
    """
    before, extra, network = network_cut()
    if server is not None:
        before, extra, network = [], {"OPENKM3_SERVER": server}, f"that of {server}"
    work = folder / "work"
    work.mkdir()
    work.chmod(0o555)
    environment = {
        "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        **extra,
    }
    manager = _kernel(prefix, folder, before)
    client = NotebookClient(notebook, km=manager, timeout=CELL_TIMEOUT)
    client.reset_execution_trackers()
    started = time.monotonic()
    with client.setup_kernel(cwd=str(work), env=environment):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        wall = time.monotonic() - started
        pid = manager.provisioner.pid
        peak, cpu = _peak_mb(pid), _cpu_seconds(pid)
    return Run(
        numbers=_last_line(notebook),
        wall_seconds=round(wall, 1),
        cpu_seconds=round(cpu, 1),
        peak_mb=round(peak),
        network=network,
        prefix=str(prefix),
    )
