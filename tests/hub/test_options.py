"""The choice of environment and size: what is offered, what is refused, and with which words."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km3hub.spawning.options import (
    ChoiceError,
    apply_user_options,
    choose,
    offered,
    options_form,
    options_from_form,
)
from km3settings.settings import parse
from km3settings.state import State

SETTINGS = parse(
    {
        "site": {"contact": "help@example.org"},
        "environments": [
            {"name": "stack", "title": "Stack", "image": "km3net/stack"},
            {"name": "beta", "title": "Beta <b>", "image": "km3net/beta", "groups": ["testers"]},
        ],
        "sizes": [
            {"name": "small", "title": "Small", "memory": "512M", "cpu": 0.5},
            {"name": "huge", "memory": "64G", "cpu": 16, "groups": ["staff", "testers"]},
        ],
    }
)


def spawner(mode="docker", groups=(), last=None):
    return SimpleNamespace(
        platform=SETTINGS,
        runtime=SimpleNamespace(mode=mode, state=State(Path("without-workshops"))),
        user=SimpleNamespace(groups=[SimpleNamespace(name=name) for name in groups]),
        orm_spawner=SimpleNamespace(user_options=last),
        user_options={},
    )


def names(groups):
    offer = offered(SETTINGS, groups)
    return [e.name for e in offer.environments], [s.name for s in offer.sizes]


def test_entries_without_groups_are_for_everybody():
    assert names([]) == (["stack"], ["small"])


def test_entries_with_groups_are_for_their_members():
    assert names(["testers"]) == (["stack", "beta"], ["small", "huge"])
    assert names(["staff", "other"]) == (["stack"], ["small", "huge"])


def test_nothing_named_means_the_first_of_each():
    assert choose(SETTINGS, [], {}).names == {"environment": "stack", "size": "small"}


def test_what_is_named_is_chosen():
    choice = choose(SETTINGS, ["testers"], {"environment": "beta", "size": "huge"})
    assert (choice.environment.image, choice.size.memory) == ("km3net/beta", "64G")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"image": "alpine"},
            ["Unknown option 'image'", "only choose an environment and a size from the menu"],
        ),
        ({"environment": "alpine"}, ["no environment 'alpine'", "You can choose: stack."]),
        ({"size": "giant"}, ["no size 'giant'", "You can choose: small."]),
        ({"environment": "beta"}, ["no access to the environment 'beta'", "help@example.org"]),
        ({"size": "huge"}, ["no access to the size 'huge'", "You can choose: small."]),
        ({"environment": ["stack", "stack"]}, ["no environment ['stack', 'stack']"]),
        ({"environment": None}, ["no environment None"]),
        ({"size": {"memory": "1T"}}, ["no size {'memory': '1T'}"]),
        ({"environment": "stack", "mem_limit": "1T"}, ["Unknown option 'mem_limit'"]),
    ],
)
def test_anything_else_is_refused_with_a_sentence(options, words):
    with pytest.raises(ChoiceError) as refusal:
        choose(SETTINGS, [], options)
    assert refusal.value.status_code == 400
    for word in words:
        assert word in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_user_without_environments_sees_the_contact():
    closed = parse(
        {"environments": [{"name": "x", "title": "X", "image": "x", "groups": ["staff"]}]}
    )
    with pytest.raises(ChoiceError, match=r"no access to any environment.*administrator"):
        choose(closed, [], {})


@given(
    st.dictionaries(
        st.sampled_from(["environment", "size"]) | st.text(),
        st.sampled_from(["stack", "small", "beta"]) | st.text() | st.integers() | st.none(),
        max_size=3,
    )
)
def test_only_listed_names_ever_pass(options):
    listed = {"environment": "stack", "size": "small"}
    if options.items() <= listed.items():
        assert choose(SETTINGS, [], options).names == listed
        return
    with pytest.raises(ChoiceError) as refusal:
        choose(SETTINGS, [], options)
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


def test_a_megabyte_of_name_makes_a_short_sentence():
    with pytest.raises(ChoiceError) as refusal:
        choose(SETTINGS, [], {"environment": "x" * 1_000_000})
    assert len(str(refusal.value)) < 200


def test_form_values_are_unpacked_and_nothing_is_lost():
    form = {"environment": ["stack"], "size": ["a", "b"], "extra_file": [b""], "_xsrf": ["t"]}
    assert options_from_form(form) == {
        "environment": "stack",
        "size": ["a", "b"],
        "extra_file": b"",
    }


def test_the_form_offers_what_the_user_may_choose_and_escapes_it():
    form = options_form(spawner(groups=["testers"]))
    assert form.count('type="radio"') == 4
    assert "Beta &lt;b&gt;" in form
    assert "512 MB memory · 0.5 cores" in form
    assert "64 GB memory · 16 cores" in form
    assert "huge" not in options_form(spawner())


def test_the_form_preselects_the_last_choice_if_it_is_still_offered():
    def selected(form):
        return [part.split('"')[0] for part in form.split('value="')[1:] if "checked" in part]

    last = {"environment": "beta", "size": "huge"}
    assert selected(options_form(spawner(groups=["testers"], last=last))) == ["beta", "huge"]
    assert selected(options_form(spawner(last=last))) == ["stack", "small"]
    assert selected(options_form(spawner(last={"size": ["small"]}))) == ["stack", "small"]


def test_the_form_says_where_limits_are_not_enforced():
    assert "not enforced" in options_form(spawner(mode="embedded"))
    assert "not enforced" not in options_form(spawner(mode="docker"))


def test_applying_keeps_the_choice_for_the_next_start():
    s = spawner()
    apply_user_options(s, {"size": "small"})
    assert s.choice.names == {"environment": "stack", "size": "small"}
    assert s.orm_spawner.user_options == s.choice.names


def test_a_refused_choice_is_not_kept_for_the_next_start():
    s = spawner(last={"image": "alpine"})
    with pytest.raises(ChoiceError):
        apply_user_options(s, {"image": "alpine"})
    assert s.orm_spawner.user_options == {}


def test_the_form_warns_where_several_people_share_what_is_for_one():
    alone, shared = spawner(mode="embedded"), spawner(mode="embedded")
    shared.shared = True
    words = "your files are not protected from"
    assert words not in options_form(alone)
    assert words in options_form(shared)
