"""The version is the last tag, or the last release that the changelog names."""

from __future__ import annotations

from pathlib import Path

from km3up.version import version_of
from tests.commands import run


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=0"]
    run("git", *who, *arguments, cwd=folder)


def commit(folder: Path) -> None:
    git(folder, "commit", "--allow-empty", "--message", "Change")


def test_last_tag_of_a_release_is_the_version(tmp_path: Path) -> None:
    git(tmp_path, "init")
    commit(tmp_path)
    git(tmp_path, "tag", "v1.2.3")
    commit(tmp_path)
    git(tmp_path, "tag", "another")
    assert version_of(tmp_path) == "1.2.3"


def test_copy_without_git_has_the_version_of_its_changelog(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text("# What changed\n\n## 0.4.0 (2027-01-01)\n\n## 0.3.0\n")
    assert version_of(tmp_path) == "0.4.0"


def test_without_either_it_is_zero(tmp_path: Path) -> None:
    assert version_of(tmp_path) == "0.0.0"
