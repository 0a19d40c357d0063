"""The link to the folders that groups share."""

from __future__ import annotations

from pathlib import Path

from km3lab.shared import prepare_shared
from km3lab.surroundings import Surroundings


def test_shared_folders_are_linked_into_the_home(tmp_path: Path) -> None:
    home, shared = tmp_path / "home", tmp_path / "mounted"
    home.mkdir()
    (shared / "school").mkdir(parents=True)
    around = Surroundings(home=home, shared=shared)
    assert prepare_shared(around) == ("~/shared/school",)
    assert (home / "shared" / "school").is_dir()
    assert prepare_shared(around) == ("~/shared/school",)


def test_a_folder_of_the_users_with_that_name_is_left_alone(tmp_path: Path) -> None:
    home, shared = tmp_path / "home", tmp_path / "mounted"
    (home / "shared").mkdir(parents=True)
    (home / "shared" / "mine").write_text("x")
    (shared / "school").mkdir(parents=True)
    assert prepare_shared(Surroundings(home=home, shared=shared)) == (f"{shared}/school",)
    assert (home / "shared" / "mine").read_text() == "x"
    assert prepare_shared(Surroundings(home=home)) == ()
    assert (home / "shared" / "mine").exists()


def test_the_link_of_a_former_member_goes(tmp_path: Path) -> None:
    (tmp_path / "shared").symlink_to("/shared")
    assert prepare_shared(Surroundings(home=tmp_path)) == ()
    assert not (tmp_path / "shared").is_symlink()
