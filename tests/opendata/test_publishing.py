from __future__ import annotations

import pytest

from opendata.accounts.models import User
from opendata.accounts.roles import Role
from opendata.exports.catalogue import catalogue
from opendata.records import publishing
from opendata.records.models import AuditEntry, Immutable, Record
from opendata.records.publishing import Draft, NewRecord, NotAllowed, Refused

from .accounts import user
from .records import HEADER, draft, drafted, published


def test_a_draft_is_reviewed_and_published(curator: User, reviewer: User) -> None:
    version = drafted(curator)
    assert version.state == "draft"
    assert publishing.submit(version, curator).state == "review"
    assert not Record.objects.get(identifier="cnt24_01").current
    assert publishing.approve(version, reviewer).state == "published"
    assert Record.objects.get(identifier="cnt24_01").current == version


def test_a_submitter_cannot_approve(curator: User) -> None:
    curator.set_roles([Role.CURATOR, Role.REVIEWER])
    version = publishing.submit(drafted(curator), curator)
    with pytest.raises(NotAllowed, match="someone else"):
        publishing.approve(version, curator)


def test_each_step_needs_its_role(curator: User, reviewer: User) -> None:
    version = publishing.submit(drafted(curator), curator)
    with pytest.raises(NotAllowed, match="needs the role curator"):
        drafted(reviewer, "other_01")
    with pytest.raises(NotAllowed, match="needs the role reviewer"):
        publishing.approve(version, user("x", Role.CURATOR))


def test_a_published_version_never_changes(curator: User, reviewer: User) -> None:
    version = published(curator, reviewer)
    version.title = "Something else"
    with pytest.raises(Immutable, match="create a new version"):
        version.save()
    with pytest.raises(Immutable):
        version.delete()
    with pytest.raises(Immutable):
        version.files.get().delete()
    with pytest.raises(Refused, match="needs a version that is a draft"):
        publishing.add_file(version, "more.txt", [b"x"], curator)


def test_withdrawal_leaves_a_tombstone_and_cannot_be_undone(curator: User, reviewer: User) -> None:
    version = publishing.withdraw(published(curator, reviewer), reviewer, "Wrong calibration.")
    entry = catalogue()["cnt24_01"]
    assert (entry.state, entry.url) == ("withdrawn", None)
    version.state = "published"
    with pytest.raises(Immutable):
        version.save()


def test_a_withdrawn_version_gives_way_to_the_one_before(curator: User, reviewer: User) -> None:
    first = published(curator, reviewer)
    second = publishing.new_version(first.record, Draft(**draft(label="2.0")), curator)
    publishing.add_file(second, "counts.txt", [b"1 2 3"], curator)
    publishing.approve(publishing.submit(second, curator), reviewer)
    assert catalogue()["cnt24_01"].version == "2.0"
    publishing.withdraw(second, reviewer, "Wrong.")
    assert catalogue()["cnt24_01"].version == "1.0"


def test_a_stop_before_the_start_keeps_data_from_being_published(curator: User) -> None:
    header = HEADER | {
        "measurement_start": "2019-10-03T06:00:00.544000000",
        "measurement_stop": "2019-09-17T06:00:00.202000000",
    }
    version = drafted(curator, metadata={"ktype": "km3.data.l4", "header": header})
    with pytest.raises(Refused, match="start"):
        publishing.submit(version, curator)
    accepted = publishing.submit(version, curator, accept_findings="published like that in 2020")
    assert accepted.state == "review"


@pytest.mark.parametrize(
    ("new", "content", "message"),
    [
        ({"identifier": "../etc"}, {}, "identifier"),
        ({"identifier": "x_01", "parent": "nothing"}, {}, "no collection or stream"),
        ({"identifier": "x_01"}, {"ktype": "km3.nonsense"}, "ktype"),
        ({"identifier": "x_01"}, {"ktype": "km3.collection"}, "cannot have the content type"),
        ({"identifier": "x_01"}, {"simulated": True}, "SIMULATED"),
        ({"identifier": "x_01"}, {"metadata": {"paraminfo": 3}}, "paraminfo"),
        ({"identifier": "x_01", "aliases": ["x_01"]}, {}, "twice"),
        ({"identifier": "x_01"}, {"url": "http://[x"}, "url: "),
        ({"identifier": "x_01"}, {"service": {"tap": "javascript:x"}}, "service: tap: "),
        ({"identifier": "x_01"}, {"service": {"scs": "https://x/a b"}}, "service: scs: "),
    ],
)
def test_bad_records_are_refused(
    curator: User, new: dict[str, object], content: dict[str, object], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        publishing.create(NewRecord.model_validate(new), Draft(**draft(**content)), curator)
    assert not Record.objects.exists()


def test_a_name_is_given_once_aliases_included(curator: User) -> None:
    publishing.create(NewRecord(identifier="a_01", aliases=["b_01"]), Draft(**draft()), curator)
    with pytest.raises(Refused, match="b_01 is taken"):
        publishing.create(NewRecord(identifier="b_01"), Draft(**draft()), curator)


def test_nothing_to_publish_is_refused(curator: User) -> None:
    version = publishing.create(NewRecord(identifier="a_01"), Draft(**draft()), curator)
    with pytest.raises(Refused, match="nothing to publish"):
        publishing.submit(version, curator)


def test_the_audit_says_who_did_what_and_stays(curator: User, reviewer: User) -> None:
    published(curator, reviewer)
    entries = list(AuditEntry.objects.order_by("id").values_list("account", "action"))
    assert entries == [("cora", "draft"), ("cora", "file"), ("cora", "submit"), ("rené", "publish")]
    with pytest.raises(Immutable):
        AuditEntry.objects.first().delete()  # type: ignore[union-attr]


def test_a_reason_that_no_database_takes_is_refused(curator: User, reviewer: User) -> None:
    version = publishing.submit(drafted(curator), curator)
    with pytest.raises(Refused, match=r"reason: line 1 contains the control character U\+0000"):
        publishing.reject(version, reviewer, "wrong \x00")
    version = publishing.approve(version, reviewer)
    with pytest.raises(Refused, match="reason"):
        publishing.withdraw(version, reviewer, "wrong \x00")
