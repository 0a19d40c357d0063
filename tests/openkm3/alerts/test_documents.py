"""Documents from anywhere: refused with a sentence, never read half."""

import json
import subprocess
import sys

import pytest

from openkm3 import alerts

from .samples import FULL

NEST = 100_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"[]", "must be a JSON object"),
        (b'{"ra": 1,}', "line 1, column"),
        (b'{"ra": NaN}', "NaN"),
        (b'{"ra": -Infinity}', "-Infinity"),
        (b'{"ra": 1e999}', "finite"),
        (b'{"ra": 1, "ra": 2}', "ra: occurs twice"),
        (b'{"ra": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"x": ' + b"[" * NEST + b"]" * NEST + b"}", "nested deeper"),
        (b'{"x": ' + b"[" * 60 + b"]" * 60 + b"}", "nested deeper"),
        (b'{"x": "\xff"}', "not UTF-8"),
        (b'{"x": "' + b"a" * (5 * 2**20) + b'"}', "larger than"),
        (b"<VOEvent", "not valid XML"),
        (b"<RSS/>", "/RSS: is not a VOEvent"),
        (b'<VOEvent version="1.1" ivorn="ivo://a#b"/>', "/VOEvent/@version: version 1.1"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_anything_but_an_alert_is_refused_with_the_reason(content, message):
    with pytest.raises(alerts.AlertError, match=r"^alert: ") as caught:
        alerts.read(content)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"dec": "x", "ra": "y"}')
    with pytest.raises(alerts.AlertError) as caught:
        alerts.read(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}: 2 problems"
    assert {line.strip().partition(":")[0] for line in lines[1:]} == {"ra", "dec"}


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(alerts.AlertError, match="larger than"):
        alerts.read(path)


def test_both_formats_are_read_from_files(tmp_path):
    alert = alerts.read(json.dumps(FULL).encode())
    (tmp_path / "a.json").write_text(alert.to_json(), encoding="utf-8-sig")
    (tmp_path / "a.xml").write_bytes(alert.to_voevent())
    assert alerts.read(tmp_path / "a.json") == alert
    assert alerts.read(str(tmp_path / "a.xml")) == alert


SECRET = "a secret"
BOMB = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
DOCTYPES = {
    "external entity": '<!DOCTYPE v [<!ENTITY x SYSTEM "FILE">]>',
    "parameter entity": '<!DOCTYPE v [<!ENTITY % x SYSTEM "FILE"> %x;]>',
    "external DTD": '<!DOCTYPE v SYSTEM "FILE">',
    "bomb": f'<!DOCTYPE v [<!ENTITY e0 "x">{BOMB}<!ENTITY x "&e9;">]>',
    "plain": "<!DOCTYPE v>",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", DOCTYPES)
def test_document_types_and_entities_are_refused(kind, encoding, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    use = "&x;" if "ENTITY x" in DOCTYPES[kind] else ""
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?>{DOCTYPES[kind]}'
        f'<VOEvent version="2.0" role="test" ivorn="ivo://a#{use if kind == "bomb" else "b"}">'
        f"<What><Description>{use}</Description></What></VOEvent>"
    ).replace("FILE", secret.as_uri())
    with pytest.raises(alerts.AlertError) as caught:
        alerts.from_voevent(body.encode(encoding))
    assert "DOCTYPE" in str(caught.value) or "not valid XML" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_xml_that_is_too_large_or_too_deep_is_refused():
    with pytest.raises(alerts.AlertError, match="larger than"):
        alerts.from_voevent(b"<VOEvent>" + b" " * (5 * 2**20) + b"</VOEvent>")
    with pytest.raises(alerts.AlertError, match="not valid XML"):
        alerts.from_voevent(b"<a>" * 10_000 + b"</a>" * 10_000)


def test_a_server_reads_alerts_without_the_weight_of_astropy():
    code = "import sys, openkm3.alerts; sys.exit('astropy' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
