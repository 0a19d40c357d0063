"""Names and groups that a provider gives, and what they become here."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km3hub.login.accounts import NAME_PATTERN
from km3hub.login.groups import groups_of
from km3hub.login.names import hub_name

EGI = "0123456789abcdef" * 4 + "@egi.eu"
ENTITLEMENT = "eduperson_entitlement"


@given(st.text(min_size=1, max_size=300))
def test_every_claim_becomes_a_name_that_volumes_can_carry(claim: str) -> None:
    name = hub_name(claim)
    assert re.fullmatch(NAME_PATTERN, name)
    assert hub_name(claim) == name


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_two_claims_never_become_one_name(one: str, other: str) -> None:
    if one != other:
        assert hub_name(one) != hub_name(other)


@pytest.mark.parametrize("claim", ["ada", "a", "group-7", "x" * 32])
def test_a_name_that_fits_stays(claim: str) -> None:
    assert hub_name(claim) == claim


@pytest.mark.parametrize(
    ("claim", "start"),
    [
        (EGI, "egi-"),
        ("Ada", "ada-"),
        ("ada.lovelace@example.org", "ada-lovelace-"),
        ("Jürgen Weiß", "jurgen-wei-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("7f3d2c1b-aaaa-4bbb-8ccc-0123456789ab", "user-"),
        ("山田", "user-"),
        ("-", "user-"),
    ],
)
def test_any_other_gets_a_readable_start_and_a_checksum(claim: str, start: str) -> None:
    assert re.fullmatch(re.escape(start) + "[a-z2-7]{16}", hub_name(claim))


def test_the_name_of_an_egi_user_is_the_same_for_ever() -> None:
    # SHA-256, so that homes are found again after any upgrade; from `sha256sum | base32`.
    assert hub_name(EGI) == "egi-w4ndreq74crpqgzj"


def test_nobody_can_take_the_name_of_another_user() -> None:
    made = hub_name(EGI)
    assert hub_name(made) != made
    assert hub_name("Ada") != hub_name("ada")


@pytest.mark.parametrize(
    ("claim", "value", "groups"),
    [
        ("wlcg.groups", ["/escape", "/escape/x"], {"/escape", "/escape/x"}),
        ("groups", "one", {"one"}),
        ("groups", None, set()),
        ("groups", {"a": 1}, set()),
        ("groups", ["a", 7, "", "x" * 256, None], {"a"}),
        (
            ENTITLEMENT,
            ["urn:mace:egi.eu:group:vo.km3net.org:role=member#aai.egi.eu"],
            {"vo.km3net.org", "urn:mace:egi.eu:group:vo.km3net.org:role=member#aai.egi.eu"},
        ),
        (
            ENTITLEMENT,
            ["urn:mace:egi.eu:group:vo:sub:role=vm_operator#aai.egi.eu"],
            {"vo/sub:vm_operator", "urn:mace:egi.eu:group:vo:sub:role=vm_operator#aai.egi.eu"},
        ),
    ],
)
def test_groups_are_read_from_claims(claim: str, value: object, groups: set[str]) -> None:
    assert groups_of(claim, value) == groups


@pytest.mark.parametrize(
    "entitlement",
    [
        "vo.km3net.org",
        "urn:geant:evil.org:group:vo.km3net.org:role=member#evil.org",
        "urn:mace:egi.eu:group:vo.km3net.org:role=member#evil.org",
        "urn:mace:egi.eu:group:#aai.egi.eu",
        "urn:mace:egi.eu:group:role=member#aai.egi.eu",
    ],
)
def test_no_other_authority_can_name_a_group_of_egi(entitlement: str) -> None:
    assert groups_of(ENTITLEMENT, [entitlement]) <= {entitlement}
    assert "vo.km3net.org" not in groups_of(ENTITLEMENT, [entitlement])
