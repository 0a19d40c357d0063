"""Embedded mode as root: what a server can still see and do."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from km3hub.spawning.confined import Confinement, program_paths
from km3hub.spawning.unprivileged import adopt_home, server_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as which it is about")

#: Tries everything that a program of a user could do about the state folder, and reports.
ATTACK = """
import ctypes, glob, json, os, sys
state = sys.argv[1]
def attempt(action):
    try:
        return action()
    except (OSError, RuntimeError) as error:
        return type(error).__name__
def read(path):
    return lambda: open(path).read()
out = {
    "secret": attempt(read(f"{state}/secret-cookie")),
    "secret by parent": attempt(read(f"/proc/{os.getppid()}/root{state}/secret-cookie")),
    "secret by init": attempt(read(f"/proc/1/root{state}/secret-cookie")),
    "secrets by handles": [
        attempt(read(f"/proc/self/fd/{n}/secret-cookie")) for n in os.listdir("/proc/self/fd")
    ],
    "other home": attempt(read(f"{state}/homes/bob/notes.txt")),
    "listed": sorted(os.listdir(state)),
    "homes": sorted(os.listdir(f"{state}/homes")),
    "own": attempt(read(f"{state}/homes/ada/notes.txt")),
    "written": attempt(lambda: open(f"{state}/homes/ada/new.txt", "w").write("x")),
    "environment written": attempt(lambda: open(f"{state}/envs/lab/x", "w").write("x")),
    "root again": attempt(lambda: os.setuid(0)),
    "ids": [os.getresuid(), os.getresgid(), os.getgroups()],
    "unmounted": ctypes.CDLL(None).umount2(state.encode(), 2),
    "capabilities": [
        line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")
    ],
    "environ of parent": attempt(read(f"/proc/{os.getppid()}/environ")),
    "umask": os.umask(0o022),
    "folder": os.getcwd(),
}
print(json.dumps(out))
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder behind folders that only root may pass."""
    tmp_path.chmod(0o700)
    state = tmp_path / "state"
    for name in ("ada", "bob"):
        (state / "homes" / name).mkdir(parents=True)
        (state / "homes" / name / "notes.txt").write_text(f"notes of {name}")
    (state / "envs" / "lab").mkdir(parents=True)
    (state / "secret-cookie").write_text("very secret")
    (state / "secret-cookie").chmod(0o644)  # even so
    return state


@pytest.fixture
def nobody() -> pwd.struct_passwd:
    found = server_user("")
    assert found
    return found


def run(state: Path, user: pwd.struct_passwd, code: str, *more: Path) -> str:
    needed = [state / "envs", state / "homes" / "ada", *program_paths(Path(sys.executable)), *more]
    confinement = Confinement(user=user.pw_uid, group=user.pw_gid, hidden=state, needed=needed)
    done = subprocess.run(
        confinement.command([sys.executable, "-I", "-c", code, str(state)]),
        capture_output=True,
        text=True,
        check=False,
        cwd=state,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_server_sees_its_home_and_no_secret(state: Path, nobody: pwd.struct_passwd) -> None:
    adopt_home(state / "homes" / "ada", nobody)
    found = json.loads(run(state, nobody, ATTACK))
    refused = ("FileNotFoundError", "PermissionError", "NotADirectoryError")
    assert found["secret"] in refused
    assert found["secret by parent"] in refused
    assert found["secret by init"] in refused
    assert set(found["secrets by handles"]) <= set(refused)
    assert found["other home"] in refused
    assert (found["listed"], found["homes"]) == (["envs", "homes"], ["ada"])
    assert (found["own"], found["written"]) == ("notes of ada", 1)
    assert found["environment written"] == "PermissionError"
    assert found["root again"] == "PermissionError"
    assert found["ids"] == [[nobody.pw_uid] * 3, [nobody.pw_gid] * 3, []]
    assert found["unmounted"] == -1
    assert found["capabilities"] == ["0000000000000000"]
    assert found["environ of parent"] in refused
    assert (found["umask"], found["folder"]) == (0o022, "/")
    # Nothing changed outside.
    assert (state / "secret-cookie").read_text() == "very secret"
    assert sorted(os.listdir(state / "homes")) == ["ada", "bob"]


def test_the_programs_that_a_server_starts_find_the_same(
    state: Path, nobody: pwd.struct_passwd
) -> None:
    adopt_home(state / "homes" / "ada", nobody)
    code = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c',"
        " 'import os; print(os.getuid(), os.path.exists(\"secret-cookie\"))'], check=True)"
    )
    assert run(state, nobody, code).split() == [str(nobody.pw_uid), "False"]


def test_an_environment_by_links_is_found_where_they_lead(
    state: Path, nobody: pwd.struct_passwd, tmp_path: Path
) -> None:
    """As with environments that another installation shares, below a folder of root's."""
    installed = tmp_path / "elsewhere" / "lab"
    installed.mkdir(parents=True)
    (installed / "file").write_text("installed")
    (installed.parent / "secret").write_text("not needed")
    (tmp_path / "hop").symlink_to("elsewhere")
    (state / "envs" / "open").symlink_to(tmp_path / "hop" / "lab")
    adopt_home(state / "homes" / "ada", nobody)
    code = (
        "import os, sys; print(open(f'{sys.argv[1]}/envs/open/file').read(),"
        f" os.listdir({str(installed.parent)!r}), sorted(os.listdir(sys.argv[1])))"
    )
    found = run(state, nobody, code, state / "envs" / "open")
    assert found.strip() == "installed ['lab'] ['envs', 'homes']"


def test_a_state_folder_by_a_link_is_covered(
    state: Path, nobody: pwd.struct_passwd, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(state)
    adopt_home(state / "homes" / "ada", nobody)
    found = json.loads(run(link, nobody, ATTACK))
    assert (sorted(found["listed"]), found["own"]) == (["envs", "homes"], "notes of ada")
    code = f"import os; print(os.path.exists({str(state / 'secret-cookie')!r}))"
    assert run(link, nobody, code).strip() == "False"


def test_a_folder_around_the_state_folder_does_not_show_it(
    state: Path, nobody: pwd.struct_passwd, tmp_path: Path
) -> None:
    adopt_home(state / "homes" / "ada", nobody)
    (tmp_path / "around").symlink_to(tmp_path)
    for around in (tmp_path, tmp_path / "around", state):
        code = "import os, sys; print(os.path.exists(f'{sys.argv[1]}/secret-cookie'))"
        assert run(state, nobody, code, around).strip() == "False"


def test_a_home_that_was_roots_becomes_the_users(state: Path, nobody: pwd.struct_passwd) -> None:
    home = state / "homes" / "ada"
    (home / "deep" / "er").mkdir(parents=True)
    (home / "deep" / "er" / "file").write_text("x")
    outside = state / "outside"
    outside.write_text("root's")
    (home / "link").symlink_to(outside)
    (home / "folder-link").symlink_to(state)
    home.chmod(0o755)
    adopt_home(home, nobody)
    assert home.stat().st_mode & 0o777 == 0o700
    own = [home, home / "deep", home / "deep" / "er" / "file", home / "notes.txt"]
    assert {path.stat().st_uid for path in own} == {nobody.pw_uid}
    assert (home / "link").lstat().st_uid == nobody.pw_uid
    assert {path.stat().st_uid for path in (outside, state, state / "homes" / "bob")} == {0}


def test_an_interrupted_change_of_owner_is_repeated(state: Path, nobody: pwd.struct_passwd) -> None:
    home = state / "homes" / "ada"
    os.chown(home / "notes.txt", nobody.pw_uid, nobody.pw_gid)
    (home / "later.txt").write_text("x")
    adopt_home(home, nobody)
    assert (home / "later.txt").stat().st_uid == nobody.pw_uid


def test_a_home_is_changed_once_and_never_for_what_a_user_puts_there(
    state: Path, nobody: pwd.struct_passwd
) -> None:
    home = state / "homes" / "ada"
    adopt_home(home, nobody)
    planted = home / "planted"
    planted.write_text("root's, by a hard link for example")
    adopt_home(home, nobody)
    assert planted.stat().st_uid == 0


def test_root_is_never_the_user_for_servers() -> None:
    with pytest.raises(ValueError, match="is root"):
        server_user("root")
    with pytest.raises(KeyError):
        server_user("no-such-user-here")
