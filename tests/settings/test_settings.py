"""platform.yaml: an empty file works, and every mistake is answered with the way out of it."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from km3settings.section import Section
from km3settings.settings import Settings, SettingsError, json_schema, load

EXAMPLE = files("km3settings").joinpath("platform-example.yaml").read_text(encoding="utf-8")

OIDC = "client_id: i, client_secret_file: f"
ENTRY = "{name: a, title: A, image: i}"

#: What stands in the file, and the words that the answer must hold.
MISTAKES = {
    "typo in a section": ("siet: {}", ["siet: unknown key", "did you mean site?"]),
    "unknown section": ("zzz: 1", ["zzz: unknown key", "known keys: site, login"]),
    "typo in a key": ("site: {nmae: X}", ["site.nmae: unknown key", "did you mean name?"]),
    "typo two levels down": (
        "site: {banner: {txet: X}}",
        ["site.banner.txet: unknown key", "did you mean text?"],
    ),
    "unknown key in an entry": (
        "sizes: [{name: s, memory: 1G, cpu: 1, gpu: 1}]",
        ["sizes[0].gpu: unknown key", "cpu"],
    ),
    "key that is a number": ("5: x", ["must be text"]),
    "list instead of sections": ("- site", ["the file", "sections such as 'site:'", "list"]),
    "text instead of sections": ("hello", ["the file", "sections such as 'site:'", "str"]),
    "text instead of a section": (
        "site: hello",
        ["site: must contain indented", "name, public_url"],
    ),
    "number instead of text": ("site: {name: 5}", ["site.name", "quotes", "found 5"]),
    "YAML's no instead of text": ("site: {contact: no}", ["site.contact", "quotes", "false"]),
    "text instead of a number": (
        "login: {attempts: many}",
        ["login.attempts: must be a whole number, e.g. attempts: 5", '"many"'],
    ),
    "half an attempt": ("login: {attempts: 2.5}", ["login.attempts: must be a whole number"]),
    "too few": ("login: {attempts: 0}", ["login.attempts", "greater than or equal to 1"]),
    "a word that is no choice": (
        "spawner: {egress: nothing}",
        ["spawner.egress: must be 'internet' or 'none'", '"nothing"'],
    ),
    "a shared quota of nobody": (
        "usage: {quotas: [{cpu_hours: 5, shared: true}]}",
        ["usage.quotas[0]: a shared quota needs groups, e.g. groups: [school]"],
    ),
    "a quota of nothing": (
        "usage: {quotas: [{cpu_hours: 0}]}",
        ["usage.quotas[0].cpu_hours", "greater than 0"],
    ),
    "a quota without hours": (
        "usage: {quotas: [{groups: [a]}]}",
        ["usage.quotas[0].cpu_hours: is missing"],
    ),
    "a period that does not exist": (
        "usage: {period: year}",
        ["usage.period: must be 'day', 'week' or 'month'", '"year"'],
    ),
    "logs for no time": ("privacy: {log_days: 0}", ["privacy.log_days", "equal to 1"]),
    "empty name of the site": ("site: {name: ''}", ["site.name", "at least 1 character"]),
    "banner too long": (
        f"site: {{banner: {{text: {'x' * 501}}}}}",
        ["site.banner.text", "at most 500 characters"],
    ),
    "address without scheme": (
        "site: {public_url: hub.example.org}",
        ["site.public_url", "https://hub.example.org"],
    ),
    "oidc without a provider": (
        "login: {method: oidc}",
        ["login: method oidc needs a provider", "oidc: {provider: escape-iam"],
    ),
    "a provider without what the registration gives": (
        "login: {oidc: {provider: escape-iam}}",
        [
            "login.oidc.client_id: is missing; write e.g. client_id: ",
            "login.oidc.client_secret_file: is missing; write e.g. client_secret_file: oidc-secret",
        ],
    ),
    "a provider that nobody knows": (
        f"login: {{oidc: {{provider: google, {OIDC}, allow_all: true}}}}",
        ["login.oidc.provider: must be 'escape-iam', 'egi-check-in' or 'generic'"],
    ),
    "a provider without an address": (
        f"login: {{oidc: {{provider: generic, {OIDC}, allow_all: true}}}}",
        ["login.oidc: the provider generic needs an issuer", "issuer: https://"],
    ),
    "a login for nobody": (
        f"login: {{oidc: {{provider: escape-iam, {OIDC}}}}}",
        ["login.oidc: nobody could log in", "allowed_groups", "allow_all: true"],
    ),
    "a login for all and for some": (
        f"login: {{oidc: {{provider: escape-iam, {OIDC}, allow_all: true, allowed_groups: [a]}}}}",
        ["login.oidc: allow_all makes allowed_groups meaningless", "keep one"],
    ),
    "a provider without encryption": (
        f"login: {{oidc: {{provider: generic, {OIDC}, issuer: 'http://x.org', allow_all: true}}}}",
        ["login.oidc.issuer: passwords and tokens would be sent unencrypted", "https://"],
    ),
    "the secret itself": (
        f"login: {{oidc: {{provider: escape-iam, {OIDC}, allow_all: true, client_secret: x}}}}",
        ["login.oidc.client_secret: unknown key", "did you mean client_secret_file?"],
    ),
    "scopes without openid": (
        f"login: {{oidc: {{provider: escape-iam, {OIDC}, scopes: [email], allow_all: true}}}}",
        ["login.oidc: scopes must contain openid"],
    ),
    "cpu that no scheduler can give": (
        "sizes: [{name: s, memory: 1G, cpu: 0.001}]",
        ["sizes[0].cpu", "greater than or equal to 0.01"],
    ),
    "an open network that is none": (
        "spawner: {egress_allow: [{network: storage.example.org}]}",
        ["spawner.egress_allow[0].network: write a network or an address, e.g. 10.20.0.0/16"],
    ),
    "an open network without its mask": (
        "spawner: {egress_allow: [{network: 10.20.0.7/16}]}",
        ["is an address inside a network; write the network 10.20.0.0/16"],
    ),
    "a metadata service that is opened": (
        "spawner: {egress_allow: [{network: 0.0.0.0/0}]}",
        ["spawner.egress_allow[0].network: contains addresses of 127.0.0.0/8, which always"],
    ),
    "an open port that is none": (
        "spawner: {egress_allow: [{network: 10.0.0.7, ports: [70000]}]}",
        ["spawner.egress_allow[0].ports[0]", "write a port from 1 to 65535"],
    ),
    "open ports backwards": (
        "spawner: {egress_allow: [{network: 10.0.0.7, ports: [9-8]}]}",
        ["spawner.egress_allow[0].ports[0]", "write the lower port of the range first"],
    ),
    "a network that is open as a mere text": (
        "spawner: {egress_allow: [10.20.0.0/16]}",
        ["spawner.egress_allow[0]: must contain indented keys, one per line: network, ports"],
    ),
    "a closed network that is none": (
        "spawner: {egress_deny: [university]}",
        ["spawner.egress_deny[0]: write a network or an address"],
    ),
    "image that is none": (
        "environments: [{name: a, title: A, image: 'my image!'}]",
        ["environments[0].image: is not a valid image name", "e.g. registry.example.org/"],
    ),
    "network of loopback": (
        "spawner: {network_pool: 127.0.0.0/16}",
        ["spawner.network_pool: write a private IPv4 network"],
    ),
    "contact of nobody": ("site: {contact: ''}", ["site.contact", "at least 1"]),
    "address with a query": (
        "site: {public_url: 'https://example.org/a?b=c'}",
        ["site.public_url: must be scheme, host, port and path only"],
    ),
    "address with a password": (
        "site: {public_url: 'https://ada:x@example.org'}",
        ["site.public_url: must be scheme, host, port and path only"],
    ),
    "address with an impossible port": (
        "site: {public_url: 'https://example.org:99999'}",
        ["site.public_url: is not an address", "0-65535"],
    ),
    "address with a path of other letters": (
        "site: {public_url: 'https://example.org/größe'}",
        ["site.public_url: has a path with characters other than"],
    ),
    "address with a path upwards": (
        "site: {public_url: 'https://example.org/a/../b'}",
        ["site.public_url: has a path"],
    ),
    "proxy by name": ("login: {trusted_proxies: [web]}", ["login.trusted_proxies", "[127.0.0.1]"]),
    "memory without unit": (
        "sizes: [{name: s, memory: 2, cpu: 1}]",
        ["sizes[0].memory", "e.g. 2G", "found 2"],
    ),
    "memory of nothing": ("homes: {quota: 0G}", ["homes.quota: must be more than nothing"]),
    "memory for no server": (
        "sizes: [{name: s, memory: 2K, cpu: 1}]",
        ["sizes[0].memory", "at least 256M"],
    ),
    "cpu below zero": (
        "sizes: [{name: s, memory: 1G, cpu: -1}]",
        ["sizes[0].cpu", "greater than or equal to 0.01"],
    ),
    "cpu not finite": (
        "sizes: [{name: s, memory: 1G, cpu: .inf}]",
        ["sizes[0].cpu", "256"],
    ),
    "entry without what it needs": (
        "environments: [{name: a}]",
        ["environments[0].title: is missing", "environments[0].image: is missing"],
    ),
    "entry that is text": (
        "environments: [stack]",
        ["environments[0]: must contain indented", "image"],
    ),
    "one entry instead of a list": (
        f"environments: {ENTRY}",
        ["environments: must be a list", "'- '"],
    ),
    "no entry": ("environments: []", ["environments: needs at least one entry"]),
    "one group instead of a list": (
        "environments: [{name: a, title: A, image: i, groups: km3net}]",
        ["environments[0].groups: must be a list", '"km3net"'],
    ),
    "group that is a number": (
        "environments: [{name: a, title: A, image: i, groups: [7]}]",
        ["environments[0].groups[0]", "quotes", "7"],
    ),
    "same name twice": (
        f"environments: [{ENTRY}, {ENTRY}]",
        ["environments: the name a appears twice"],
    ),
    "name that no folder could have": (
        "environments: [{name: ../etc, title: A, image: i}]",
        ["environments[0].name", "lower-case letters"],
    ),
    "public network": ("spawner: {network_pool: 8.8.8.0/24}", ["spawner.network_pool", "private"]),
    "no network": ("spawner: {network_pool: here}", ["spawner.network_pool", "10.213.0.0/16"]),
    "network too small": ("spawner: {network_pool: 10.1.1.0/28}", ["too small"]),
    "portal on a port of the system": (
        "services: {opendata: {port: 80}}",
        ["services.opendata.port", "greater than or equal to 1024"],
    ),
    "portal below the hub's pages": (
        "site: {public_url: 'https://example.org/km3net'}\n"
        "services: {opendata: {public_url: 'https://example.org/km3net/user/data'}}",
        [
            "services.opendata.public_url: /user is used by the hub",
            "https://example.org/km3net/opendata",
        ],
    ),
    "portal above the hub": (
        "site: {public_url: 'https://example.org/km3net'}\n"
        "services: {opendata: {public_url: 'https://example.org'}}",
        ["site.public_url and services.opendata.public_url are the same", "a path of its own"],
    ),
    "portal on the hub's origin": (
        "site: {public_url: 'https://example.org'}\n"
        "services: {opendata: {public_url: 'https://example.org:443'}}",
        ["site.public_url and services.opendata.public_url are the same"],
    ),
    "section twice": ("site: {}\nlogin: {}\nsite: {}", ["'site' appears twice", "line 3"]),
    "tab": ("site:\n\tname: X", ["line 2, column 1", "a tab; indent with spaces"]),
    "colon in text": ("site:\n  name: KM3NeT: hub", ["line 2", "quote text that contains ': '"]),
    "open bracket": ("sizes: [", ["not valid YAML", "line 1"]),
    "tag of another program": ("site: !!python/object:os.system {}", ["not valid YAML"]),
}


def answer(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load(path)
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_its_remedy(mistake: str, tmp_path: Path) -> None:
    text, words = MISTAKES[mistake]
    path = tmp_path / "platform.yaml"
    path.write_text(text, encoding="utf-8")
    said = answer(path)
    assert all(line.startswith(f"{path}: ") for line in said.splitlines())
    for word in words:
        assert word in said
    # One mistake, one line: what follows from it is not told as well.
    assert len(said.splitlines()) == max(1, sum("is missing" in word for word in words))
    assert "pydantic" not in said


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("siet: {}\nlogin: {attempts: x}\nsizes: []\n", encoding="utf-8")
    assert len(answer(path).splitlines()) == 3


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01\x00\xff\xfe", b"site:\n  name: \xe9\n"])
def test_a_file_that_is_not_text_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_bytes(data)
    assert "not a text file" in answer(path)


def test_a_nul_character_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_bytes(b"site: {name: a\x00b}\n")
    assert "not a text file" in answer(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert answer(tmp_path / "none.yaml").endswith("cannot be read: No such file or directory")
    assert answer(tmp_path).endswith("cannot be read: Is a directory")


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "site:\nlogin:\nsizes:\n", "{}"])
def test_an_empty_file_means_the_defaults(text: str, tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(text, encoding="utf-8")
    assert load(path) == Settings()


def test_without_a_file_the_defaults_are_in_effect() -> None:
    assert load(None) == Settings()


@pytest.mark.parametrize(
    ("written", "read"), [("2G", "2G"), ("2 GiB", "2G"), ("1.5g", "1.5G"), ("512MB", "512M")]
)
def test_amounts_of_memory_may_be_written_in_many_ways(
    written: str, read: str, tmp_path: Path
) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(f"homes: {{quota: {written}}}", encoding="utf-8")
    assert load(path).homes.quota == read


def uncommented() -> str:
    return re.sub(r"^# ", "", EXAMPLE, flags=re.MULTILINE)


def keys(model: type[Section]) -> dict[str, Any]:
    """The keys of a section, with those of the sections in it."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, tuple) and default and isinstance(default[0], Section):
            found[name] = [keys(type(entry)) for entry in default]
        else:
            found[name] = keys(type(default)) if isinstance(default, Section) else None
    return found


def shape(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()} or None
    if isinstance(data, list) and data:
        return [shape(value) for value in data]
    return None


def test_the_example_changes_nothing_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    assert load(path) == Settings()


def test_the_example_holds_every_setting_with_its_default(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(uncommented(), encoding="utf-8")
    assert load(path) == Settings()
    assert shape(yaml.safe_load(uncommented())) == keys(Settings)


def test_the_json_schema_accepts_the_example_and_refuses_mistakes() -> None:
    schema = json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(yaml.safe_load(uncommented()))
    for text in ("siet: {}", "login: {attempts: 0}", "sizes: [{name: s, memory: 2, cpu: 1}]"):
        assert not validator.is_valid(yaml.safe_load(text)), text
    assert schema["properties"]["site"]


def test_the_json_schema_explains_each_setting() -> None:
    assert (
        "Failed logins" in json_schema()["$defs"]["Login"]["properties"]["attempts"]["description"]
    )
