"""The kernels that Lab offers: those of the science environment, then the user's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.paths import SYSTEM_JUPYTER_PATH, jupyter_data_dir
from traitlets import Unicode, default

__all__ = ["ScienceKernels"]

_START = str(Path(__file__).with_name("kernel_start.py"))
#: The same for the user's own kernels, of any version: no module of the notebook's folder is
#: imported before ipykernel is complete. ipykernel adds the folder later.
_ANY_START = (
    "import sys; del sys.path[0]; from ipykernel.kernelapp import launch_new_instance as s; s()"
)


class ScienceKernels(KernelSpecManager):
    """Finds kernels without ever offering the environment that JupyterLab itself runs in.

    The science environment has priority: a `python3` kernel in a user's home must not replace the
    platform's.
    """

    prefix = Unicode(help="Prefix of the science environment.").tag(config=True)

    @default("ensure_native_kernel")
    def _lab_is_no_kernel(self) -> bool:
        # Without a science environment, Lab's own kernel is better than none.
        return not self._has_science()

    @default("kernel_dirs")
    def _where_kernels_are(self) -> list[str]:
        folders = [self._science(), os.path.join(jupyter_data_dir(), "kernels")]
        folders += [os.path.join(path, "kernels") for path in SYSTEM_JUPYTER_PATH]
        if not self._has_science():
            folders.append(os.path.join(sys.prefix, "share", "jupyter", "kernels"))
        return folders

    def _science(self) -> str:
        return os.path.join(self.prefix, "share", "jupyter", "kernels")

    def _has_science(self) -> bool:
        return any(Path(self._science()).glob("*/kernel.json"))

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Returns the kernel of a name; `python` in a science kernel is the environment's own.

        The kernel.json that ipykernel ships says just `python`, which jupyter_client takes for
        the Python that runs the server.
        """
        spec = super().get_kernel_spec(kernel_name)
        ours = Path(spec.resource_dir).is_relative_to(self.prefix)
        spec.argv = _shielded(spec.argv, ours=ours)
        if ours:
            folder = os.path.join(self.prefix, "bin")
            if spec.argv and os.sep not in spec.argv[0]:
                spec.argv = [os.path.join(folder, spec.argv[0]), *spec.argv[1:]]
            # Cells that say !pip or !python mean the environment that the cell runs in.
            spec.env = {"PATH": f"{folder}{os.pathsep}${{PATH}}", **spec.env}
        return spec


def _shielded(argv: list[str], *, ours: bool) -> list[str]:
    """Returns a Python kernel's command, protected from modules beside the notebook."""
    for at in range(1, len(argv) - 1):
        if argv[at] == "-m" and argv[at + 1] in ("ipykernel_launcher", "ipykernel"):
            head, tail = argv[:at], argv[at + 2 :]
            return [*head, "-E", "-s", _START, *tail] if ours else [*head, "-c", _ANY_START, *tail]
    return argv
