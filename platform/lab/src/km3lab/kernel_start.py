"""Starts a Python kernel: first ipykernel alone, then the user's own files.

Lab runs this file by its path with the Python of the science environment and the options `-E -s`,
so it imports nothing of km3lab. Until ipykernel is complete no module can come from the notebook's
folder or from `~/.local`; then both are added, after the standard library, as IPython has it.

A file that prevents the start (a startup file that exits, a broken profile, a line of a `.pth`
file) is put aside: renamed, never deleted. Then the start is repeated in the same process. If the
cause is unknown, the kernel starts without the user's settings. Either way a report beside the
connection file says what happened, and the server shows it (`troubles.py`).
"""

import sys

# The folder of this file, which Python puts first.
del sys.path[0]

import json
import os
import signal
import site
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from ipykernel.kernelapp import IPKernelApp

#: Maximum seconds for one of the user's files.
_LIMIT = 120
#: Maximum number of files put aside in one start; then none of the user's files is used.
_ATTEMPTS = 20
#: Maximum number of queued output messages.
_WAITING = 100_000
_ATTEMPT, _PLAIN = "KM3_KERNEL_ATTEMPT", "KM3_KERNEL_PLAIN"
#: Original standard output and error; ipykernel replaces them.
_OUTPUTS = (os.dup(1), os.dup(2))
_SYSTEM_TOO = "include-system-site-packages=true"
#: Modules that ipykernel imports only after adding the notebook's folder to the path.
_LATER = ("jedi", "stack_data")


class _TooLongError(BaseException):
    """A user's file took more than `_LIMIT` seconds; no `except Exception` may hide this."""


class Progress:
    """The file in use by the start, noted on disk so that it outlives this process.

    Parameters
    ----------
    connection_file
        Of the kernel; the notes are beside it.
    """

    def __init__(self, connection_file: Path) -> None:
        self._notes = connection_file.with_suffix(".start")
        self._dead = connection_file.with_suffix(".died")
        self._report = connection_file.with_suffix(f".{os.getpid()}.report")
        self.path = ""

    def begin(self, path: str) -> None:
        """Blame `path` for any failure from here on."""
        self.path = path
        self._notes.write_text(path, encoding="utf-8", errors="surrogateescape")
        signal.setitimer(signal.ITIMER_REAL, _LIMIT)

    def end(self) -> None:
        """Blame no file from here on."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.path = ""
        self._notes.unlink(missing_ok=True)

    def died_at(self) -> str:
        """Returns the file that killed an earlier process of this kernel, as the server noted."""
        try:
            path = self._dead.read_text(encoding="utf-8", errors="surrogateescape")
            self._dead.unlink()
        except FileNotFoundError:
            return ""
        return path

    def report(self, path: str, renamed: str, why: str) -> None:
        """Write a line for the server."""
        line = json.dumps({"path": path, "renamed": renamed, "why": why})
        with self._report.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def put_aside(path: str) -> str:
    """Rename `path` to the first free `NAME.put-aside-N` beside it; the new path."""
    number = 1
    while os.path.lexists(f"{path}.put-aside-{number}"):
        number += 1
    os.rename(path, f"{path}.put-aside-{number}")
    return f"{path}.put-aside-{number}"


# Without its types: they differ from one version to the next.
_KernelApp: Any = IPKernelApp


class UserKernel(_KernelApp):
    """ipykernel's application, which notes each of the user's files before using it."""

    progress: Progress

    def init_iopub(self, context: Any) -> None:
        """Queue more output for the server than ZeroMQ's 1000 messages.

        Any message beyond the limit is lost, including the one that a cell has ended.
        """
        context.sndhwm = _WAITING
        super().init_iopub(context)

    def init_path(self) -> None:
        """Make the user's modules importable: ipykernel is complete now."""
        for name in _LATER:
            # An environment may lack one of them; the code that needs it will report that.
            try:
                __import__(name)
            except ImportError:
                continue
        super().init_path()
        _add_python_path()
        if _PLAIN not in os.environ:
            _add_user_site(self.progress)

    def init_code(self) -> None:
        """Run startup files; an `exit()` in one ends that file, not the kernel."""
        self.shell.ask_exit = _exit
        super().init_code()
        del self.shell.ask_exit

    def _exec_file(self, fname: str, shell_futures: bool = False) -> None:
        self.progress.begin(os.path.abspath(fname))
        super()._exec_file(fname, shell_futures)
        self.progress.end()


def _exit() -> NoReturn:
    raise SystemExit


def _watched(loader: Any, progress: Progress) -> type:
    """A loader of configuration files that notes the one it reads."""

    class Watched(loader):
        def load_config(self) -> Any:
            path = os.path.join(self.path, self.filename) if self.path else self.filename
            if os.path.isfile(path):
                progress.begin(path)
            try:
                config = super().load_config()
            except Exception:
                # traitlets reports an error and continues; an exit is this file's fault.
                progress.end()
                raise
            progress.end()
            return config

    return Watched


def _add_python_path() -> None:
    # As Python does with this variable, but after the standard library.
    entries = [e for e in os.environ.get("PYTHONPATH", "").split(os.pathsep) if e]
    place = sys.path.index("") if "" in sys.path else 0
    sys.path[place:place] = [os.path.abspath(e) for e in entries]


def _add_user_site(progress: Progress) -> None:
    """Do what Python does without `-s`, one file at a time."""
    if not _has_user_site() or not os.path.isdir(folder := site.getusersitepackages()):
        return
    before = list(sys.path)
    known = {os.path.abspath(path) for path in sys.path}
    if folder not in sys.path:
        sys.path.append(folder)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".pth"):
            progress.begin(os.path.join(folder, name))
            site.addpackage(folder, name, known)
            progress.end()
    added = [path for path in sys.path if path not in before]
    # Before the system's packages, as Python does.
    rest = [path for path in sys.path if path in before]
    place = next((i for i, p in enumerate(rest) if p.endswith("dist-packages")), len(rest))
    sys.path[:] = [*rest[:place], *added, *rest[place:]]
    for module in ("sitecustomize", "usercustomize"):
        file = os.path.join(folder, f"{module}.py")
        if module not in sys.modules and os.path.isfile(file):
            progress.begin(file)
            try:
                __import__(module)
            except Exception as error:
                print(f"Error in {module}; ignored: {error!r}", file=sys.stderr)
            progress.end()


def _has_user_site() -> bool:
    if os.environ.get("PYTHONNOUSERSITE"):
        return False
    if sys.prefix == sys.base_prefix:
        return True
    try:
        lines = Path(sys.prefix, "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any("".join(line.lower().split()) == _SYSTEM_TOO for line in lines)


def _mend_profile(progress: Progress) -> None:
    """Put aside files in the place of IPython's folders."""
    top = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    profile = top / "profile_default"
    for folder in (top, profile, *(profile / name for name in ("startup", "security", "pid"))):
        if os.path.lexists(folder) and not folder.is_dir():
            progress.report(str(folder), put_aside(str(folder)), "it is not a folder")
        elif folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            progress.report(str(folder), put_aside(str(folder)), "its access rights forbid its use")


def _again(progress: Progress, path: str, why: str) -> NoReturn:
    """Put `path` aside, if there is one to blame, and start again."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    attempt = int(os.environ.get(_ATTEMPT, "0")) + 1
    renamed = ""
    if path and attempt < _ATTEMPTS:
        try:
            renamed = put_aside(path)
        except OSError as error:
            why = f"{why}; it cannot be renamed ({error.strerror})"
    progress.report(path, renamed, why)
    if not renamed:
        os.environ[_PLAIN] = "1"
    os.environ[_ATTEMPT] = str(attempt)
    for number, descriptor in enumerate(_OUTPUTS, 1):
        os.dup2(descriptor, number)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- itself


def _without_settings() -> None:
    os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="ipython-")
    os.environ.pop("PYTHONSTARTUP", None)


def _too_long(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _TooLongError(f"it ran for more than {_LIMIT} seconds")


def _words(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it ends Python"
    return str(error) or type(error).__name__


def _connection_file(argv: list[str]) -> Path:
    return Path(argv[argv.index("-f") + 1])


def main(argv: list[str]) -> None:
    """Start the kernel that `argv` describes, as `ipykernel_launcher` does."""
    progress = Progress(_connection_file(argv))
    if dead := progress.died_at():
        _again(progress, dead if os.path.lexists(dead) else "", "the kernel died there")
    plain = _PLAIN in os.environ
    if plain:
        _without_settings()
    signal.signal(signal.SIGALRM, _too_long)
    UserKernel.progress = progress
    for kind in ("python_config_loader_class", "json_config_loader_class"):
        setattr(UserKernel, kind, _watched(getattr(UserKernel, kind), progress))
    try:
        if not plain:
            _mend_profile(progress)
        app = UserKernel.instance()
        app.initialize(argv)
    except BaseException as error:
        if plain:
            raise
        _again(progress, progress.path, _words(error))
    for name in (_ATTEMPT, _PLAIN):
        os.environ.pop(name, None)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    app.start()


if __name__ == "__main__":
    main(sys.argv[1:])
