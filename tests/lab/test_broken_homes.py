"""Whatever is broken in a home: server, kernel and terminal start, notebooks are saved."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.running import LabServer, kernels_prefix
from tests.lab.test_names_in_homes import works
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]

SETTINGS = ".jupyter/lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
WORKSPACE = ".jupyter/lab/workspaces/default-37a8.jupyterlab-workspace"
PROFILE = ".ipython/profile_default"


@dataclass(frozen=True)
class Broken:
    """Something in a home that is broken, and whether it has to be put aside for that."""

    path: str
    make: Callable[[Path], object]
    aside: bool

    def breaks(self, home: Path) -> None:
        (home / self.path).parent.mkdir(parents=True, exist_ok=True)
        self.make(home / self.path)


def _file(path: str, text: str | bytes, aside: bool) -> Broken:
    content = text if isinstance(text, bytes) else text.encode()
    return Broken(path, lambda file: file.write_bytes(content), aside)


def _folder(path: str, aside: bool) -> Broken:
    return Broken(path, Path.mkdir, aside)


def _full_folder(path: str, aside: bool) -> Broken:
    return Broken(path, lambda folder: (folder / "x").mkdir(parents=True), aside)


def _link_to_nowhere(path: str, aside: bool) -> Broken:
    return Broken(path, lambda link: link.symlink_to("/nowhere/at/all"), aside)


def _bad_database(path: str, aside: bool) -> Broken:
    return _file(path, b"SQLite format 3\x00" + b"\xff" * 5000, aside)


BROKEN: dict[str, Broken] = {
    ".jupyter is a file": _file(".jupyter", "mine", True),
    ".jupyter leads nowhere": _link_to_nowhere(".jupyter", True),
    ".jupyter/lab is a file": _file(".jupyter/lab", "", True),
    "workspaces is a file": _file(".jupyter/lab/workspaces", "", True),
    "user-settings is a file": _file(".jupyter/lab/user-settings", "", True),
    "configuration ends": _file(".jupyter/jupyter_server_config.py", "exit(1)", False),
    "configuration is cut off": _file(".jupyter/jupyter_server_config.json", '{"Serv', False),
    "settings are cut off": _file(SETTINGS, '{"autoStart', True),
    "settings are no text": _file(SETTINGS, b"\xff\xfe\x00", True),
    "settings are a folder": _folder(SETTINGS, True),
    "settings are empty": _file(SETTINGS, "", False),
    "workspace is cut off": _file(WORKSPACE, '{"data": {"layout', True),
    "workspace is empty": _file(WORKSPACE, "", True),
    "workspace is a list": _file(WORKSPACE, "[]", True),
    "workspace has no name": _file(WORKSPACE, "{}", True),
    ".local is a file": _file(".local", "", True),
    ".local/share is a file": _file(".local/share", "", True),
    ".local/share/jupyter is a file": _file(".local/share/jupyter", "", True),
    ".local/share/km3net is a file": _file(".local/share/km3net", "", True),
    "runtime is a file": _file(".local/share/jupyter/runtime", "", False),
    "kernels is a file": _file(".local/share/jupyter/kernels", "", False),
    "kernel is cut off": _file(".local/share/jupyter/kernels/a/kernel.json", '{"argv', False),
    "kernel is no text": _file(".local/share/jupyter/kernels/a/kernel.json", b"\xff", False),
    "secret is a folder": _folder(".local/share/jupyter/notebook_secret", False),
    "signatures are broken": _bad_database(".local/share/jupyter/nbsignatures.db", False),
    "signatures are a folder": _full_folder(".local/share/jupyter/nbsignatures.db", False),
    "checkpoints are a file": _file(".ipynb_checkpoints", "", True),
    ".ipython is a file": _file(".ipython", "", True),
    ".ipython leads nowhere": _link_to_nowhere(".ipython", True),
    "profile is a file": _file(PROFILE, "", True),
    "startup is a file": _file(f"{PROFILE}/startup", "", True),
    "security is a file": _file(f"{PROFILE}/security", "", True),
    "history is broken": _bad_database(f"{PROFILE}/history.sqlite", False),
    "history is a folder": _full_folder(f"{PROFILE}/history.sqlite", False),
    "startup file exits": _file(f"{PROFILE}/startup/00-first.py", "exit(3)", False),
    "startup file exits Python": _file(
        f"{PROFILE}/startup/00-first.py", "import sys; sys.exit(1)", True
    ),
    "startup file quits": _file(f"{PROFILE}/startup/00.ipy", "import sys\nsys.exit()", False),
    "startup file fails": _file(f"{PROFILE}/startup/00.py", "import no_such_thing", False),
    "profile exits": _file(f"{PROFILE}/ipython_config.py", "raise SystemExit", True),
    "kernel profile exits": _file(f"{PROFILE}/ipython_kernel_config.py", "exit(1)", True),
    "profile fails": _file(f"{PROFILE}/ipython_config.py", "1/0", False),
    "profile is cut off": _file(f"{PROFILE}/ipython_config.json", '{"Inter', False),
    "profile has a wrong type": _file(
        f"{PROFILE}/ipython_config.py", "c.InteractiveShell.cache_size = 'x'", False
    ),
    ".config is a file": _file(".config", "", False),
    ".cache is a file": _file(".cache", "", False),
    ".bashrc exits": _file(".bashrc", "exit 0", False),
    ".bashrc exits at the prompt": _file(".bashrc", "PROMPT_COMMAND=exit", False),
    ".bashrc ends at a failure": _file(".bashrc", "set -e\nfalse", False),
    ".bashrc is no shell script": _file(".bashrc", b"if (((\xff\n", False),
    ".bashrc is a folder": _folder(".bashrc", False),
    ".profile exits": _file(".profile", "exit 1", False),
    ".inputrc is broken": _file(".inputrc", b"\xff\xff: \x00", False),
    "tutorials is a file": _file("tutorials", "", False),
    "Welcome.md is a folder": _folder("Welcome.md", False),
}


#: What one program reads; other folders and files of a home are each on their own.
SHELL = (".bashrc", ".profile", ".inputrc")


def _kinds() -> list[tuple[str, ...]]:
    """Homes of several kinds: each has at most one broken thing that the same program reads."""
    homes: list[dict[str, str]] = []
    for what in BROKEN:
        name = BROKEN[what].path.split("/")[0]
        reader = "shell" if name in SHELL else name
        free = next((home for home in homes if reader not in home), None)
        if free is None:
            homes.append(free := {})
        free[reader] = what
    return [tuple(home.values()) for home in homes]


@pytest.mark.parametrize("what", _kinds(), ids=" and ".join)
def test_everything_starts_and_the_broken_things_are_kept(
    start_lab: StartLab, home: Path, pristine: Path, what: tuple[str, ...]
) -> None:
    for each in what:
        BROKEN[each].breaks(home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    server = start_lab(home, KM3_TUTORIALS=str(pristine))
    works(server)
    assert server.api("GET", "/lab/api/settings")["settings"]
    assert server.api("GET", "/lab/api/workspaces/default")
    # Nothing of it is lost, whatever it is called now.
    contents = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    changing = ("history.sqlite", "nbsignatures.db")
    kept = [content for path, content in before.items() if path.name not in changing]
    assert all(content in contents for content in kept)
    aside = {str(path.relative_to(home)) for path in home.rglob("*.put-aside-1")}
    expected = {f"{BROKEN[each].path}.put-aside-1" for each in what if BROKEN[each].aside}
    assert aside == expected
    for name in (Path(path).name for path in expected if "checkpoints" not in path):
        wait_until(
            lambda name=name: any(
                name in notice["text"] + notice["details"] for notice in server.notices()["notices"]
            ),
            seconds=20,
            what=f"a notice of {name}",
        )


def test_a_kernel_killed_by_a_startup_file_restarts_without_it(
    start_lab: StartLab, home: Path
) -> None:
    _file(f"{PROFILE}/startup/10-end.py", "import os; os._exit(3)", True).breaks(home)
    _file(f"{PROFILE}/startup/20-good.py", "mine = 42", False).breaks(home)
    server = start_lab(home)
    kernel = server.new_kernel()
    wait_until(
        lambda: list(home.rglob("10-end.py.put-aside-1")), seconds=60, what="the file is put aside"
    )
    assert server.run(kernel, "print(mine)").strip() == "42"
    wait_until(lambda: server.notices()["notices"], seconds=20, what="a notice")
    assert "10-end.py.put-aside-1" in server.notices()["notices"][0]["details"]


def test_the_python_startup_file_may_end_python(start_lab: StartLab, home: Path) -> None:
    _file(".pythonrc.py", "raise SystemExit(1)", True).breaks(home)
    server = start_lab(home, PYTHONSTARTUP=str(home / ".pythonrc.py"))
    assert server.run(server.new_kernel(), "print(6 * 7)").strip() == "42"
    assert (home / ".pythonrc.py.put-aside-1").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere; run it as a user")
@pytest.mark.parametrize(
    "folder", [".jupyter/lab", ".local", ".local/share/jupyter", ".ipython", PROFILE]
)
def test_folders_without_the_right_to_write(start_lab: StartLab, home: Path, folder: str) -> None:
    (home / folder).mkdir(parents=True)
    (home / folder).chmod(0o500)
    try:
        works(start_lab(home))
    finally:
        (home / folder).chmod(0o700)


@pytest.fixture
def user_packages(home: Path, tmp_path: Path) -> Path:
    """A science environment that uses ~/.local, as that of the images; the user's packages."""
    prefix = tmp_path / "science"
    real = kernels_prefix()
    assert real is not None
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to((real / "bin" / "python").resolve())
    (prefix / "lib").symlink_to(real / "lib")
    (prefix / "share").mkdir()
    text = (real / "pyvenv.cfg").read_text()
    lines = [line for line in text.splitlines() if "system-site" not in line]
    (prefix / "pyvenv.cfg").write_text(
        "\n".join([*lines, "include-system-site-packages = true"]) + "\n"
    )
    folder = prefix / "share" / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = [str(prefix / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Science", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    packages = home / ".local" / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    return packages


def test_packages_of_the_user_are_found_and_break_nothing(
    start_lab: StartLab, home: Path, user_packages: Path
) -> None:
    ends = "raise SystemExit('a package of the user was imported')\n"
    for name in ("ipykernel", "IPython", "tornado", "zmq", "traitlets", "random", "trio"):
        (user_packages / f"{name}.py").write_text(ends)
    for name in ("usercustomize", "sitecustomize"):
        (user_packages / f"{name}.py").write_text(ends)
    (user_packages / "first.pth").write_text("import sys; sys.exit(1)\n")
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "linked.py").write_text("word = 'found'\n")
    (user_packages / "second.pth").write_text(f"{home}/elsewhere\n")
    (user_packages / "mine.py").write_text("word = 'found'\n")
    prefix = user_packages.parents[3].parent / "science"
    server = start_lab(home, KM3_KERNELS=str(prefix))
    kernel = server.new_kernel()
    code = "import mine, linked, numpy; print(mine.word, linked.word, numpy.__file__)"
    answer = server.run(kernel, code)
    assert answer.startswith("found found "), answer
    assert str(home) not in answer
    assert (user_packages / "first.pth.put-aside-1").exists()
    said = wait_until(lambda: server.notices()["notices"], seconds=20, what="a notice")
    assert any("first.pth" in notice["text"] for notice in said)


def test_a_history_that_is_kept_by_another_kernel_stops_no_kernel(
    start_lab: StartLab, home: Path
) -> None:
    folder = home / PROFILE
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "history.sqlite") as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN EXCLUSIVE")
        server = start_lab(home)
        assert server.run(server.new_kernel(), "print(6 * 7)").strip() == "42"
