"""`make test` ends with one line that says what was not run and what changes that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands
from tests.not_run import line

ROOT = Path(__file__).resolve().parents[1]


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a folder as if it were the repository."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['timeout']\n")
    plugins = ["-p", "no:cacheprovider", "-p", "xdist", "-p", "timeout"]
    command = [sys.executable, "-m", "pytest", *plugins, "-q", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return commands.run(*command, status=None, cwd=folder, env=environment)


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_run_with_skipped_tests_ends_with_the_command_that_runs_them(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_ok(n): pass\n"
        "def test_engine(): pytest.skip('no Docker Engine answers: make engine images')\n"
        "@pytest.mark.skipif(True, reason='the image km3net/a is missing: make images IMAGES=a')\n"
        "def test_image(): pass\n"
    )
    sudo = "make engine images" if os.geteuid() == 0 else "sudo make engine && make images"
    output = run(tmp_path, *options).stdout
    assert (
        "2 of 6 tests were not run: a Docker Engine and images are missing."
        f" Run them: {sudo} && make test\n"
    ) in output


def test_a_run_without_skipped_tests_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("def test_ok(): pass\n")
    output = run(tmp_path).stdout
    assert "1 passed" in output
    assert "not run" not in output


TOOLS = ["Chromium", "restic"]


@pytest.mark.parametrize(
    ("reasons", "root", "expected"),
    [
        (
            ["Chromium is missing; run: make tools"] * 60 + ["there is no restic: make tools"] * 9,
            True,
            "69 of 4200 tests were not run: Chromium and restic are missing."
            " Run them: make tools && make test",
        ),
        (
            ["x: make tools", "no Docker Engine answers: make engine images"],
            False,
            "2 of 4200 tests were not run: Chromium, restic, a Docker Engine and images are"
            " missing. Run them: sudo make tools engine && make images && make test",
        ),
        (
            ["needs it: `make up` installs it in .platform/envs/lab; another", "no tables in x"],
            True,
            "2 of 4200 tests were not run: embedded mode is missing (for 1 of them the lines above"
            " say what they need). Run them: make up && make test",
        ),
        (
            ["no tables of ARCA230; put data/*.csv into x", "needs pyvo: make test installs it"],
            True,
            "2 of 4200 tests were not run; the lines above say why, and what they need.",
        ),
    ],
)
def test_the_line_names_what_is_missing(reasons: list[str], root: bool, expected: str) -> None:
    assert line(reasons, 4200, TOOLS, root) == expected


def test_tests_of_one_host_share_a_process_and_get_time(tmp_path: Path) -> None:
    folder = tmp_path / "deploy" / "tests"
    folder.mkdir(parents=True)
    # As in the repository: settings for `make test-deploy`, which must not count here.
    (folder / "pytest.ini").write_text("[pytest]\n")
    test = (
        "import os, pathlib, pytest\n"
        "@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(n, request):\n"
        "    assert request.node.get_closest_marker('timeout').args == (1800,)\n"
        f"    with open({str(tmp_path / 'workers')!r}, 'a') as file:\n"
        "        file.write(os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n"
    )
    for name in ("test_one_host", "test_login", "test_verify"):
        (folder / f"{name}.py").write_text(test)
    done = run(tmp_path, "-c", "pyproject.toml", "-n", "4", "deploy/tests")
    assert "12 passed" in done.stdout, done.stdout
    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 12
    assert len(set(workers)) == 1


@pytest.mark.parametrize(
    ("tests", "ansible"),
    [("deploy/tests/test_one_host.py", True), ("tests/hub -k 'a or b'", False)],
)
def test_make_test_prepares_what_the_named_tests_need(tests: str, ansible: bool) -> None:
    command = ["make", "--dry-run", "test", f"TESTS={tests}"]
    plan = commands.run(*command, cwd=ROOT).stdout
    assert ("deploy/environment.py" in plan) is ansible
    assert f"-m pytest -c pyproject.toml --numprocesses 4 {tests}\n" in plan
