"""Start a kernel as Lab does and let it print a sum: `one_kernel.py PREFIX FOLDER`."""

from __future__ import annotations

import sys

from jupyter_client.manager import KernelManager

from km3lab.kernels import ScienceKernels

prefix, folder = sys.argv[1:]
manager = KernelManager(kernel_name="python3", kernel_spec_manager=ScienceKernels(prefix=prefix))
manager.start_kernel(cwd=folder)
client = manager.client()
client.start_channels()
try:
    client.wait_for_ready(timeout=120)
    client.execute_interactive("print(6 * 7)", timeout=60)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
