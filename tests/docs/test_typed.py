"""Every command that a page tells people to type is run by a test, here or elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.commands import ROOT, typed

VENV = Path(sys.prefix) / "bin"

#: Commands that this file runs: the pattern of each, and the test.
HERE = {
    r"\.venv/bin/pre-commit install": "test_hooks_can_be_installed_and_run",
    r"\.venv/bin/towncrier build .*": "test_a_release_collects_the_fragments",
    r"\.venv/bin/nbstripout .*": "test_outputs_of_a_notebook_are_removed",
}
#: Commands that run elsewhere: the pattern of each, the file that runs it, and how one sees that.
ELSEWHERE = {
    r"docker exec km3net-hub km3hub homes (list|remove NAME)": (
        "tests/homes/test_commands.py",
        '("remove", "ada", "--yes")',
    ),
    r'curl -H "Authorization: token .*': ("tests/e2e/servers.py", 'f"token {self.person.token}"'),
    r"export RCLONE_WEBDAV_BEARER_TOKEN=.*": (
        "tests/lab/dav/test_clients.py",
        "RCLONE_WEBDAV_BEARER_TOKEN",
    ),
    r"rclone copy .*": ("tests/lab/dav/test_clients.py", '":webdav:results"'),
    r"cadaver .*": ("tests/lab/dav/test_clients.py", '[cadaver, f"{server.url}dav/"]'),
    r"curl -T .* --user .*": ("tests/lab/dav/test_clients.py", '"-T", "a.txt"'),
    r"mkfs\.xfs .*": ("tests/homes/conftest.py", "mkfs.xfs"),
    r"mount .*": ("tests/homes/conftest.py", 'run("mount"'),
    r"git clone .*": ("tests/bench/embedded.py", '"git", "clone"'),
    r"cd km3net-platform": ("tests/bench/embedded.py", "cwd=clone"),
    r"make up": ("tests/bench/embedded.py", '"up", "MODE=embedded"'),
    r"make tools": (".ci/run", "make tools"),
    r"make images": (".ci/run", "make images"),
    r"make audit .*": ("tests/audit/test_audit.py", "images/audit.py"),
    r"make images archive SIGN=.*": ("tests/deploy/test_signatures.py", "signing.sign("),
    r"sha256sum --check km3net-.*": ("deploy/tests/test_bundle.py", "sha256sum --check"),
    r"tar -xf km3net-.*": ("deploy/tests/test_bundle.py", "tar -xf"),
    r"sh km3net-install .*": ("deploy/tests/test_bundle.py", "sh km3net-install"),
    r"openssl ecparam .*": ("tests/deploy/test_signatures.py", '"ecparam"'),
    r"openssl pkey .*": ("tests/deploy/test_signatures.py", '"pkey"'),
    r"make lint": (".ci/run", "make lint"),
    r"make test( TESTS=.*)?": (".ci/run", "make test"),
    r"make lint-deploy": (".ci/run", "make lint-deploy"),
    r"make test-deploy .*": (".ci/run", "make test-deploy"),
    r"docker run --rm -p .*": ("tests/images/test_services.py", "--publish="),
    r"docker run --rm --network none .*": ("tests/images/test_services.py", "--network=none"),
    r"sudo docker run --rm --user root .* export --hub .*": (
        "tests/hub/docker/test_people.py",
        "docker run --rm --user root",
    ),
    r"km3hub workshop create .*": ("tests/hub/workshops/test_create.py", '"create", "school"'),
    r"km3hub workshop close .*": ("tests/hub/workshops/test_close.py", '"close", name, "--yes"'),
    r"sudo docker exec -i km3net-hub km3hub workshop handout .*": (
        "tests/hub/docker/test_workshops.py",
        '"workshop", "handout", "school", "--format=pdf"',
    ),
    r"sudo docker run --rm -it --user root .* close --hub .*": (
        "tests/hub/docker/test_workshops.py",
        "docker run --rm --user root",
    ),
    r"\.venv/bin/km3hub workshop rehearse .*": (
        "tests/hub/workshops/test_rehearse.py",
        '"rehearse", "--users", "3"',
    ),
    r"\.venv/bin/km3hub workshop start .*": (
        "tests/hub/workshops/test_rehearse.py",
        '"start", "school"',
    ),
    r"\.venv/bin/km3hub robots (run|status)": ("tests/hub/robots/test_round.py", '"robots"'),
    r"km3hub tutorials list": ("tests/lab/test_start.py", "km3hub tutorials list"),
    r"km3hub tutorials reset .*": ("tests/lab/test_start.py", "km3hub tutorials reset"),
    r"opendata account .*": ("tests/opendata/test_accounts.py", '"account"'),
    r"opendata sessions.*": ("tests/opendata/test_ended_access.py", '"sessions"'),
    r"opendata token .*": ("tests/opendata/test_accounts.py", '"token"'),
    r"opendata import antares .*": ("tests/opendata/test_importing.py", '"import", "antares"'),
    r"python -m venv --system-site-packages .*": ("tests/images/test_users.py", "venv"),
    r"~/envs/mine/bin/pip install .*": ("tests/images/test_users.py", '"install"'),
    r"~/envs/mine/bin/python -m ipykernel .*": ("tests/images/test_users.py", '"ipykernel"'),
}
#: What publishes, fetches a gigabyte or changes the machine for good cannot be tried.
NEVER = (
    r"git tag .*",
    r"git push .*",
    r"curl --fail .*-o (debian\.json|pypi\.zip|npm\.zip) .*",
    r"echo .* >> /etc/fstab",
)


def patterns() -> list[str]:
    return [*HERE, *ELSEWHERE, *NEVER]


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("command", sorted({command.text for command in typed()}))
def test_every_typed_command_has_a_test(command: str) -> None:
    found = [pattern for pattern in patterns() if re.fullmatch(pattern, command)]
    assert len(found) == 1, f"name the test that runs {command!r} in {Path(__file__).name}"


@pytest.mark.parametrize("pattern", [*HERE, *ELSEWHERE])
def test_the_named_test_exists_and_some_page_needs_it(pattern: str) -> None:
    assert any(re.fullmatch(pattern, command.text) for command in typed())
    if pattern in HERE:
        assert HERE[pattern] in globals()
    else:
        file, text = ELSEWHERE[pattern]
        assert text in (ROOT / file).read_text(encoding="utf-8")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the hooks and the changelog of this one."""
    for name in (".pre-commit-config.yaml", ".yamllint", "CHANGELOG.md", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "changes", tmp_path / "changes")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    run("git", "init", "--quiet", cwd=tmp_path)
    return tmp_path


IDENTITY: Mapping[str, str] = dict.fromkeys(
    ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
    "test@example.org",
)


def test_hooks_can_be_installed_and_run(clone: Path, tmp_path: Path) -> None:
    caches = {"PRE_COMMIT_HOME": str(tmp_path / "caches"), "GIT_CONFIG_GLOBAL": os.devnull}
    run(VENV / "pre-commit", "install", cwd=clone, **caches)
    assert (clone / ".git/hooks/pre-commit").exists()
    (clone / "module.py").write_text('"""A module."""\n\nimport os\n')
    run("git", "add", "module.py", cwd=clone)
    refused = subprocess.run(
        ["git", "commit", "--message", "Add a module"],
        cwd=clone, env={**os.environ, **caches, **IDENTITY}, capture_output=True, text=True,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "ruff check" in refused.stderr
    run("git", "add", "module.py", cwd=clone)
    run("git", "commit", "--message", "Add a module", cwd=clone, **caches, **IDENTITY)
    assert "import os" not in (clone / "module.py").read_text()


def test_a_release_collects_the_fragments(clone: Path) -> None:
    (clone / "changes" / "+maps.added.md").write_text("Maps of the sky can be rotated.\n")
    run(VENV / "towncrier", "build", "--version", "0.2.0", "--yes", cwd=clone, **IDENTITY)
    text = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.index("Maps of the sky can be rotated.") < text.index("## 0.1.0")
    assert re.search(r"^## 0\.2\.0 \(\d{4}-\d\d-\d\d\)$", text, flags=re.MULTILINE)
    assert not (clone / "changes" / "+maps.added.md").exists()
    assert (clone / "changes" / "README.md").exists()


def test_outputs_of_a_notebook_are_removed(tmp_path: Path) -> None:
    notebook = tmp_path / "01.ipynb"
    shutil.copyfile(ROOT / "notebooks" / "01-reading-km3net-events.ipynb", notebook)
    text = notebook.read_text(encoding="utf-8")
    output = '"outputs": [{"name": "stdout", "output_type": "stream", "text": ["x"]}]'
    notebook.write_text(text.replace('"outputs": []', output, 1), encoding="utf-8")
    run(VENV / "nbstripout", "--keep-id", notebook)
    assert notebook.read_text(encoding="utf-8") == text
