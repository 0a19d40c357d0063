from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from django.test import Client
from django.utils import timezone
from lxml import etree

from opendata.accounts.models import Token
from opendata.accounts.roles import Role
from opendata.alerts.models import Notice
from openkm3 import alerts

from .accounts import user
from .running import Server

SHARED = Path(__file__).parents[3] / "shared" / "data"
DOCUMENT = {
    "mission": "KM3NeT",
    "messenger": "Neutrino",
    "instrument": "ARCA028",
    "pipeline": "arca_HE",
    "alert_tense": "test",
    "alert_type": "initial",
    "record_number": 1,
    "alert_datetime": "2024-09-01T12:01:00Z",
    "id": "km3.133.1.2.3",
    "event_name": "KM3-240901A",
    "trigger_time": "2024-09-01T12:00:00Z",
    "ra": 120.5,
    "dec": -30.25,
    "ra_dec_error": 1.5,
    "alert_topology": "Track",
    "number_of_events": 1,
}


def _web(name: str, *roles: Role) -> Client:
    account = user(name, *roles)
    return Client(headers={"Authorization": f"Bearer {Token.issue(account)}"})


def _hand_in(web: Client, document: object) -> object:
    return web.post("/alerts/incoming/", json.dumps(document), content_type="application/json")


def test_an_alert_is_public_only_when_somebody_signed_it_off(web: Client) -> None:
    sender, signer = _web("daq", Role.ALERT_SENDER), _web("shifter", Role.ALERT_SIGNER)
    answer = _hand_in(sender, DOCUMENT)
    assert (answer.status_code, answer.json()["state"]) == (201, "waiting")
    number = answer.json()["number"]
    assert web.get("/alerts/feed.json").json()["alerts"] == []
    assert web.get(f"/alerts/{number}.json").status_code == 404
    step = f"/alerts/incoming/{number}/sign-off/"
    assert sender.post(step).status_code == 403
    assert signer.post(step).json()["state"] == "issued"
    assert web.get(f"/alerts/{number}.json").json() == DOCUMENT
    row = web.get("/alerts/feed.json").json()["alerts"][0]
    assert (row["id"], row["role"]) == ("ivo://km3net.org/VOEvent#KM3-240901A", "test")


def test_a_refused_alert_is_never_issued(web: Client) -> None:
    sender, signer = _web("daq", Role.ALERT_SENDER), _web("shifter", Role.ALERT_SIGNER)
    number = _hand_in(sender, DOCUMENT).json()["number"]
    assert signer.post(f"/alerts/incoming/{number}/refuse/").json()["state"] == "refused"
    assert signer.post(f"/alerts/incoming/{number}/sign-off/").status_code == 409


def test_the_same_record_comes_once_and_an_update_is_its_own(web: Client) -> None:
    both = _web("auto", Role.ALERT_SENDER, Role.ALERT_SIGNER)
    assert _hand_in(both, DOCUMENT).json()["state"] == "issued"
    assert _hand_in(both, DOCUMENT).status_code == 409
    assert (
        _hand_in(both, DOCUMENT | {"record_number": 2, "alert_type": "update"}).status_code == 201
    )
    rows = web.get("/alerts/feed.json").json()["alerts"]
    assert [row["id"][-3:] for row in rows] == ["_r2", "01A"]
    page = web.get("/alerts/").content.decode()
    assert "KM3-240901A" in page
    assert "update" in page


def _record(number: int, kind: str = "update") -> dict[str, object]:
    return DOCUMENT | {"record_number": number, "alert_type": "initial" if number == 1 else kind}


def _cited(web: Client, number: int) -> list[tuple[str | None, str | None]]:
    packet = web.get(f"/alerts/{number}.xml").content
    assert alerts.validate_voevent(packet) == []
    found = etree.fromstring(packet).findall("Citations/EventIVORN")
    return [(element.get("cite"), element.text) for element in found]


@pytest.mark.parametrize(
    ("issued", "kind", "cite", "cited"),
    [
        # Record 2 was handed in and never issued.
        ((1,), "retraction", "retraction", ""),
        ((1,), "update", "supersedes", ""),
        ((1, 2), "retraction", "retraction", "_r2"),
        ((2,), "update", "supersedes", "_r2"),
    ],
)
def test_a_record_cites_the_last_one_that_was_issued(
    web: Client, issued: tuple[int, ...], kind: str, cite: str, cited: str
) -> None:
    sender, signer = _web("daq", Role.ALERT_SENDER), _web("shifter", Role.ALERT_SIGNER)
    for number in (1, 2):
        waiting = _hand_in(sender, _record(number)).json()["number"]
        if number in issued:
            assert signer.post(f"/alerts/incoming/{waiting}/sign-off/").status_code == 200
    third = _hand_in(sender, _record(3, kind)).json()["number"]
    assert signer.post(f"/alerts/incoming/{third}/sign-off/").status_code == 200
    assert _cited(web, third) == [(cite, f"ivo://km3net.org/VOEvent#KM3-240901A{cited}")]


def test_an_update_of_an_unpublished_alert_cites_nothing(web: Client) -> None:
    both = _web("auto", Role.ALERT_SENDER, Role.ALERT_SIGNER)
    assert _cited(web, _hand_in(both, _record(2)).json()["number"]) == []


def test_a_test_is_not_what_an_observation_retracts(web: Client) -> None:
    both = _web("auto", Role.ALERT_SENDER, Role.ALERT_SIGNER)
    assert _hand_in(both, _record(1)).status_code == 201
    answer = _hand_in(both, _record(2, "retraction") | {"alert_tense": "current"})
    assert answer.status_code == 409
    assert "nothing to retract" in answer.json()["detail"]
    assert len(web.get("/alerts/feed.json").json()["alerts"]) == 1


def test_a_record_that_comes_after_a_later_one_is_not_issued(web: Client) -> None:
    sender, signer = _web("daq", Role.ALERT_SENDER), _web("shifter", Role.ALERT_SIGNER)
    numbers = [
        _hand_in(sender, _record(number, "retraction" if number == 3 else "update")).json()[
            "number"
        ]
        for number in (1, 2, 3)
    ]
    for position in (0, 2):
        step = f"/alerts/incoming/{numbers[position]}/sign-off/"
        assert signer.post(step).json()["state"] == "issued"
    late = signer.post(f"/alerts/incoming/{numbers[1]}/sign-off/")
    assert (late.status_code, "is newer and public already" in late.json()["detail"]) == (409, True)


def test_another_missions_notice_is_not_issued_as_ours(web: Client) -> None:
    both = _web("auto", Role.ALERT_SENDER, Role.ALERT_SIGNER)
    answer = _hand_in(both, DOCUMENT | {"mission": "IceCube", "instrument": "IC86"})
    assert answer.status_code == 400
    assert "only KM3NeT's own" in json.dumps(answer.json()["problems"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"dec": 120}',
        b"<VOEvent/>",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    ],
)
def test_malformed_alerts_are_refused_with_a_reason(web: Client, content: bytes) -> None:
    sender = _web("daq", Role.ALERT_SENDER)
    answer = sender.post("/alerts/incoming/", content, content_type="application/octet-stream")
    assert answer.status_code == 400
    assert answer.json()["problems"]


def test_a_sender_cannot_fill_the_list_of_waiting_alerts(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opendata.alerts.ingestion.WAITING", 2)
    sender, other = _web("sam", Role.ALERT_SENDER), _web("sue", Role.ALERT_SENDER)
    statuses = [_hand_in(sender, _record(number)).status_code for number in (1, 2, 3)]
    assert statuses == [201, 201, 409]
    assert _hand_in(other, _record(4)).status_code == 201


def test_without_the_role_nothing_is_taken(web: Client) -> None:
    assert _hand_in(web, DOCUMENT).status_code == 401
    assert _hand_in(_web("cora", Role.CURATOR), DOCUMENT).status_code == 403


@pytest.mark.parametrize("name", ["alert.example.json", "alert.multiplet.example.json"])
def test_the_published_examples_round_trip_and_are_valid(web: Client, name: str) -> None:
    file = SHARED / "alerts" / name
    if not file.exists():
        pytest.skip(f"needs {name} of the GCN schema in {file.parent}")
    both = _web("auto", Role.ALERT_SENDER, Role.ALERT_SIGNER)
    document = json.loads(file.read_bytes())
    number = _hand_in(both, document).json()["number"]
    assert web.get(f"/alerts/{number}.json").json() == document
    packet = web.get(f"/alerts/{number}.xml").content
    assert alerts.validate_voevent(packet) == []
    assert alerts.from_voevent(packet).fields() == document
    assert web.get(f"/alerts/{number}/").status_code == 200


EXAMPLES = [
    ("alerts/alert.example.json", "application/json"),
    ("alerts/alert.multiplet.example.json", "application/json"),
    ("km3-230213a/KM3-230213A_voevent.xml", "application/xml"),
]


def _followed(server: Server, names: set[str]) -> list[alerts.Alert]:
    """What a receiver of openkm3 gets of these events, oldest first."""
    stop, found = threading.Event(), []
    for alert in alerts.follow(f"{server.url}/alerts/feed.json", interval=0.1, stop=stop):
        if alert.name in names:
            found.append(alert)
            if {known.name for known in found} == names:
                stop.set()
    return found


def test_published_alerts_go_through_a_real_server_to_page_json_xml_and_receiver(
    seeded_server: Server,
) -> None:
    if missing := [name for name, _ in EXAMPLES if not (SHARED / name).exists()]:
        pytest.skip(f"needs {', '.join(missing)} in {SHARED}")
    headers = seeded_server.token("network", "alert-sender", "alert-signer")
    given = {}
    for name, kind in EXAMPLES:
        content = (SHARED / name).read_bytes()
        address = f"{seeded_server.url}/alerts/incoming/"
        answer = httpx.post(
            address, content=content, headers=headers | {"Content-Type": kind}, timeout=60
        )
        assert answer.status_code == 201, answer.text
        alert = alerts.read(content)
        given[alert.name] = alert
        number = answer.json()["number"]
        served = seeded_server.get(f"/alerts/{number}.json")
        assert alerts.Alert.from_json(served.content) == alert
        if kind == "application/json":
            assert served.json() == json.loads(content)
        packet = seeded_server.get(f"/alerts/{number}.xml").content
        assert alerts.validate_voevent(packet) == []
        assert alerts.from_voevent(packet) == alert
        assert alert.name in seeded_server.get(f"/alerts/{number}/").text
    assert list(given)[2] == "KM3-230213A"
    assert (given["KM3-230213A"].ra, given["KM3-230213A"].dec) == (94.3, -7.8)
    for address in ("/alerts/", "/alerts/feed.xml"):
        shown = seeded_server.get(address).text
        assert [name for name in given if name not in shown] == []
    followed = {alert.name: alert for alert in _followed(seeded_server, set(given))}
    assert followed == given


def test_openkm3_follows_updates_on_a_real_server(seeded_server: Server) -> None:
    headers = seeded_server.token("auto", "alert-sender", "alert-signer")
    for number in (1, 2):
        document = DOCUMENT | {"record_number": number, "event_name": "KM3-240902B"}
        httpx.post(
            f"{seeded_server.url}/alerts/incoming/", json=document, headers=headers, timeout=60
        )
    stop = threading.Event()
    found = []
    for alert in alerts.follow(f"{seeded_server.url}/alerts/feed.json", interval=0.1, stop=stop):
        if alert.name == "KM3-240902B":
            found.append((alert.record_number, alert.role))
        if len(found) == 2:
            stop.set()
    assert found == [(1, "test"), (2, "test")]


_ATOM = "{http://www.w3.org/2005/Atom}"


def _atom(web: Client) -> etree._Element:
    return etree.fromstring(web.get("/alerts/feed.xml").content)


def test_the_feed_for_news_readers_is_atom(web: Client) -> None:
    empty = web.get("/alerts/feed.xml")
    assert web.get("/alerts/feed.xml", headers={"If-None-Match": empty["ETag"]}).status_code == 304
    issued = timezone.now().replace(microsecond=0)
    notice = Notice.objects.create(
        ivorn="ivo://km3net.org/VOEvent#KM3<1>&",
        event_name="KM3\x0b<1>",
        role="observation",
        alert_type="initial",
        document={},
        voevent=b"",
        sender=user("daq", Role.ALERT_SENDER),
        issued=issued,
    )
    root = _atom(web)
    # RFC 4287, section 4.1: what a feed and an entry must have.
    for parent in (root, root.find(f"{_ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"{_ATOM}{name}")) == 1
    assert root.findtext(f"{_ATOM}author/{_ATOM}name") == "KM3NeT"
    assert datetime.fromisoformat(root.findtext(f"{_ATOM}updated")) == issued
    entry = root.find(f"{_ATOM}entry")
    assert entry.findtext(f"{_ATOM}id") == notice.ivorn
    assert entry.findtext(f"{_ATOM}title") == "KM3<1> (observation, initial)"
    links = [(link.get("type"), link.get("href")) for link in entry.findall(f"{_ATOM}link")]
    assert links == [
        (None, f"http://testserver/alerts/{notice.pk}/"),
        ("application/xml", f"http://testserver/alerts/{notice.pk}.xml"),
    ]


def test_the_feed_for_news_readers_gives_the_known_position(web: Client) -> None:
    # Notices of older portals may have one coordinate only.
    known = {"ra": 120.5, "dec": -30.25}
    daq = user("daq", Role.ALERT_SENDER)
    for number, keys in enumerate([(), ("ra",), ("dec",), ("ra", "dec")]):
        Notice.objects.create(
            ivorn=f"ivo://km3net.org/VOEvent#KM3-{number}",
            event_name=f"KM3-{number}",
            role="test",
            document={},
            voevent=b"",
            instrument="ARCA028",
            sender=daq,
            issued=timezone.now(),
            **{key: known[key] for key in keys},
        )
    root = _atom(web)
    found = {element.text for element in root.iter("{http://www.w3.org/2005/Atom}summary")}
    ra, dec = "ra 120.5 deg", "dec -30.25 deg"
    assert found == {"ARCA028", f"ARCA028, {ra}", f"ARCA028, {dec}", f"ARCA028, {ra}, {dec}"}
    # GCN's schema has no default for alert_type: a notice without it says nothing of it.
    pages = [f"/alerts/{notice.pk}/" for notice in Notice.objects.all()]
    for page in (*pages, "/alerts/", "/alerts/feed.xml"):
        shown = web.get(page).content.decode().replace("initial-scale", "")
        assert "initial" not in shown
    assert "Time of the event" not in web.get(pages[0]).content.decode()
