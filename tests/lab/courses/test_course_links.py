"""Links to a course's repository: what they may ask for."""

from __future__ import annotations

import pytest

from km3lab.courses.links import Link, LinkError, read_link

REPO = "https://example.org/km3net/course.git"


def test_link_of_nbgitpuller_is_understood() -> None:
    arguments = {"repo": REPO, "branch": "main", "urlpath": "lab/tree/course/a%20b.ipynb"}
    expected = Link(REPO, "main", ("course",), "lab/tree/course/a%20b.ipynb")
    assert read_link(arguments | {"depth": "1"}) == expected
    named = read_link({"repo": REPO, "targetPath": "school/day-1", "subPath": "intro.ipynb"})
    assert (named.target, named.page) == (
        ("school", "day-1"),
        "lab/tree/school/day-1/intro.ipynb",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"repo": ""},
        {"repo": "file:///etc"},
        {"repo": "ext::sh -c id"},
        {"repo": "ssh://git@example.org/a"},
        {"repo": "git@example.org:a/b"},
        {"repo": "--upload-pack=id"},
        {"repo": "https://me:secret@example.org/a"},
        {"repo": "https://example.org/a\nb"},
        {"repo": "https://[/a"},
        {"repo": "https://example.org/"},
        {"branch": "--upload-pack=id"},
        {"branch": "a..b"},
        {"targetpath": "../other"},
        {"targetpath": ".jupyter"},
        {"targetpath": "a/.ssh"},
        {"targetpath": "tutorials"},
        {"urlpath": "//example.com/x"},
        {"urlpath": "https://example.com"},
        {"urlpath": "lab/../../hub/logout"},
        {"urlpath": "lab/%2e%2e/x"},
        {"urlpath": "api/shutdown"},
    ],
)
def test_links_that_ask_for_too_much_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(LinkError):
        read_link({"repo": REPO} | wrong)
