"""What a workshop's participants and teachers may start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from km3hub.membership.offer import workshop_offer
from km3hub.membership.record import Workshop
from km3hub.spawning.options import ChoiceError, choose, offered
from km3hub.workshops.creating import Workshops
from km3settings.menu import Environment, Size
from km3settings.settings import Settings
from km3settings.state import State
from tests.hub.conftest import StartHub

SETTINGS = Settings(
    environments=(
        Environment(name="stack", title="Stack", image="stack"),
        Environment(name="joint", title="Joint", image="joint"),
        Environment(name="beta", title="Beta", image="beta", groups=("testers",)),
    ),
    sizes=(
        Size(name="small", memory="1G", cpu=1),
        Size(name="large", memory="4G", cpu=2, groups=("experts",)),
    ),
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    """Two workshops: `school` has a size that is for experts otherwise, `old` is closed."""
    state = State(tmp_path)
    workshops = Workshops(state)
    for name, environment, size in (("school", "joint", "large"), ("old", "beta", "small")):
        until = datetime.now(UTC) + timedelta(days=1)
        wanted = Workshop(
            name=name, created=datetime.now(UTC), until=until, environment=environment, size=size
        )
        workshops.create(wanted, participants=1, teachers=1)
    with workshops.store.transaction() as change:
        change.set_state("old", "closed")
    return state


@pytest.mark.parametrize(
    ("groups", "environments", "sizes"),
    [
        ([], "stack joint", "small"),
        (["workshop-school"], "joint", "large"),
        (["workshop-school-teachers"], "joint stack", "large small"),
        (["workshop-school", "testers"], "joint stack beta", "large small"),
        (["workshop-school", "workshop-old"], "joint", "large"),
        (["workshop-old"], "stack joint", "small"),
        (["workshop-unknown"], "stack joint", "small"),
    ],
)
def test_the_offer(state: State, groups: list[str], environments: str, sizes: str) -> None:
    offer = offered(SETTINGS, groups, workshop_offer(state, groups))
    assert " ".join(e.name for e in offer.environments) == environments
    assert " ".join(s.name for s in offer.sizes) == sizes


def test_a_participant_cannot_choose_more_by_the_api(state: State) -> None:
    workshop = workshop_offer(state, ["workshop-school"])
    choice = choose(SETTINGS, ["workshop-school"], {}, workshop)
    assert choice.names == {"environment": "joint", "size": "large"}
    for options in ({"environment": "stack"}, {"environment": "beta"}, {"size": "small"}):
        with pytest.raises(ChoiceError):
            choose(SETTINGS, ["workshop-school"], options, workshop)


def test_a_platform_without_workshops_makes_no_file(tmp_path: Path) -> None:
    assert not workshop_offer(State(tmp_path), ["workshop-x", "experts"]).environments
    assert not list(tmp_path.iterdir())


def test_the_form_of_a_hub_and_its_refusal(start_hub: StartHub) -> None:
    hub = start_hub(
        config="from km3hub.configure.spawning import configure_spawning\n"
        "configure_spawning(c, platform, runtime)\n"
    )
    workshops = Workshops(hub.state)
    until = datetime.now(UTC) + timedelta(days=1)
    wanted = Workshop(name="school", created=until, until=until, environment="joint", size="large")
    workshops.create(wanted, participants=1, teachers=0)
    card = workshops.cards("school").read()["school-01"]
    with hub.client() as client:
        client.login(card.account, card.password)
        form = client.get("/hub/spawn").text
        assert 'value="joint"' in form
        assert 'value="stack"' not in form
        assert 'value="small"' not in form
        refused = client.api("POST", "/users/school-01/server", json={"environment": "stack"})
        assert refused.status_code == 400
        assert "You can choose: joint." in refused.text
