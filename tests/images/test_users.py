"""What a user may do in a server, and what a user cannot break."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.images.container import Container, docker

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
Start = Callable[..., Container]

PLANT = """
import pathlib
home = pathlib.Path("~/.local/lib/python3.13/site-packages").expanduser()
for name in ("jupyter_server", "jupyterlab", "tornado", "numpy", "ipykernel"):
    (home / name).mkdir(parents=True)
    (home / name / "__init__.py").write_text("raise RuntimeError('of the user')")
(home / "mine.py").write_text("word = 'found'")
"""
RUN_A_CELL = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3")
shown = []
client.execute_interactive(
    "import sys, numpy; print(sys.prefix, numpy.__file__)",
    output_hook=lambda message: shown.append(message["content"].get("text", "")),
    timeout=60,
)
print("".join(shown))
manager.shutdown_kernel(now=True)
"""


@pytest.fixture
def home() -> Iterator[str]:
    """A volume for a user's home."""
    volume = docker("volume", "create").stdout.strip()
    yield volume
    docker("volume", "rm", "--force", volume)


# `home` comes before `start`: a volume can only go when its containers are gone.
def test_pip_installs_into_the_home_and_what_it_installs_stays(
    lab: str, home: str, start: Start
) -> None:
    first = start(lab, "--network=bridge", f"--volume={home}:/home/km3", idle=True)
    installed = first.run("pip", "install", "cowsay", check=False)
    if "No matching distribution" in installed.stderr:
        pytest.skip("no Python package index can be reached: run it with network")
    assert installed.returncode == 0, installed.stderr

    second = start(lab, f"--volume={home}:/home/km3", idle=True)
    where = second.python("/opt/km3net", "import cowsay; print(cowsay.__file__)")
    assert where.startswith("/home/km3/.local/lib/")
    assert second.run("/opt/lab/bin/python", "-c", "import cowsay", check=False).returncode != 0


def test_broken_packages_in_the_home_break_neither_lab_nor_kernel(lab: str, start: Start) -> None:
    container = start(lab, idle=True)
    container.python("/opt/km3net", PLANT)
    assert container.python("/opt/km3net", "import mine; print(mine.word)").strip() == "found"
    container.python("/opt/lab", "import jupyterlab, jupyter_server, km3lab")
    ran = container.python("/opt/lab", RUN_A_CELL).split()
    assert ran[0] == "/opt/km3net"
    assert ran[1].startswith("/opt/km3net/")


def test_pip_refuses_to_replace_a_package_of_the_stack_and_suggests_an_environment(
    lab: str, home: str, start: Start
) -> None:
    container = start(lab, "--network=bridge", f"--volume={home}:/home/km3", idle=True)
    for pip in (("pip",), ("python", "-m", "pip")):
        tried = container.run(*pip, "install", "tqdm==4.60.0", check=False)
        if "No matching distribution" in tried.stderr:
            pytest.skip("no Python package index can be reached: run it with network")
        assert tried.returncode != 0
        assert "lack sys.path precedence" in tried.stderr
    commands = [line for line in tried.stderr.splitlines() if line.startswith("    python -m venv")]
    commands += [line for line in tried.stderr.splitlines() if "ipykernel install" in line]
    assert len(commands) == 2
    for command in commands:
        container.run("bash", "-c", command.strip())
    mine = "/home/km3/mine/bin/python"
    said = container.run(mine, "-c", "import tqdm, km3io; print(tqdm.__version__, km3io.__file__)")
    assert said.stdout.split()[0] == "4.60.0"
    assert said.stdout.split()[1].startswith("/opt/km3net/")
    ran = container.python("/opt/lab", RUN_A_CELL.replace('"python3"', '"mine"'))
    assert ran.split()[0] == "/home/km3/mine"
    # The platform's own kernel is as it was.
    assert container.python("/opt/km3net", "import tqdm; print(tqdm.__version__)") != "4.60.0\n"


def test_an_environment_on_top_of_the_stack_needs_no_network(lab: str, start: Start) -> None:
    container = start(lab, idle=True)
    container.run("bash", "-c", "python -m venv --system-site-packages ~/mine")
    container.run("bash", "-c", "~/mine/bin/python -m ipykernel install --user --name mine")
    ran = container.python("/opt/lab", RUN_A_CELL.replace('"python3"', '"mine"')).split()
    assert ran[0] == "/home/km3/mine"
    assert ran[1].startswith("/opt/km3net/")


def test_nbconvert_works_on_the_command_line(lab: str, start: Start) -> None:
    container = start(lab, idle=True)
    for form in ("html", "script", "markdown", "slides", "notebook --execute"):
        notebook = "/opt/tutorials/01-reading-km3net-events.ipynb"
        container.run("bash", "-lc", f"jupyter nbconvert {notebook} --output-dir=/tmp --to {form}")


def test_a_kernel_of_ones_own_appears_beside_the_stack(lab: str, start: Start) -> None:
    container = start(lab, idle=True)
    container.run("python", "-m", "ipykernel", "install", "--user", "--name", "mine")
    listing = container.run("/opt/lab/bin/jupyter", "kernelspec", "list", "--json").stdout
    assert set(json.loads(listing)["kernelspecs"]) == {"mine", "python3"}


def test_a_kernel_in_the_home_cannot_pose_as_the_stack(lab: str, start: Start) -> None:
    container = start(lab, idle=True)
    container.run("python", "-m", "ipykernel", "install", "--user", "--name", "python3")
    listing = container.run("/opt/lab/bin/jupyter", "kernelspec", "list", "--json").stdout
    folder = json.loads(listing)["kernelspecs"]["python3"]["resource_dir"]
    assert folder.startswith("/opt/km3net/")


def test_there_is_one_python_kernel_and_it_is_the_stack(lab: str, idle: Idle) -> None:
    listing = idle(lab).run("/opt/lab/bin/jupyter", "kernelspec", "list", "--json").stdout
    kernels = json.loads(listing)["kernelspecs"]
    assert list(kernels) == ["python3"]
    assert kernels["python3"]["spec"]["argv"][0] == "/opt/km3net/bin/python"
    assert kernels["python3"]["spec"]["display_name"] == "KM3NeT (Python 3.13)"


def test_lab_finds_the_widgets_of_the_stack(lab: str, idle: Idle) -> None:
    listing = idle(lab).run("/opt/lab/bin/jupyter", "labextension", "list")
    said = listing.stdout + listing.stderr
    assert "@jupyter-widgets/jupyterlab-manager" in said
    assert "jupyter-matplotlib" in said


def test_a_terminal_has_the_usual_programs(lab: str, idle: Idle) -> None:
    programs = "curl file git less nano pip ps python rsync scp sftp ssh tmux unzip vi vim zip"
    for program in programs.split():
        assert idle(lab).run("bash", "-lc", f"command -v {program}").stdout.strip()
    idle(lab).run("vim", "--version")


def test_the_home_belongs_to_the_user(lab: str, idle: Idle) -> None:
    foreign = idle(lab).run("find", "/home/km3", "-not", "-user", "km3").stdout
    assert foreign == ""
