"""What the deployment makes of the settings."""

from __future__ import annotations

import re

import yaml

from km3settings import settings as model
from tests.deploy.sources import DEPLOY, ROOT, module

km3net = module("plugins/filter/km3net.py")

SETTINGS = {
    "site": {"contact": "help@example.org", "public_url": "https://hub.example.org"},
    "services": {
        "opendata": {"public_url": "https://data.example.org", "demonstration": False},
        "containers": ["vo"],
    },
    "spawner": {"egress": "none"},
}


def test_every_variable_of_the_compose_file_is_given_or_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    template = (DEPLOY / "roles/platform/templates/compose.env.j2").read_text()
    given = set(km3net.compose_variables({}, "km3net", 8000))
    given |= set(re.findall(r"^(KM3_\w+)=", template, re.M))
    assert asked <= given
    # The images are named by a loop; those of the compose file are all in it.
    named = re.search(r"for image in \[(.*?)\]", template)
    assert named is not None
    images = {f"KM3_IMAGE_{name.upper()}" for name in re.findall(r"'(\w+)'", named[1])}
    assert set(re.findall(r"\$\{(KM3_IMAGE_\w+)", text)) == images


def test_completed_settings_are_good_and_keep_what_the_admin_wrote() -> None:
    tags = {name: f"{name}:0.1.0-abc" for name in km3net.images(SETTINGS)}
    done = km3net.complete(
        SETTINGS,
        hub_address="https://hub.test",
        portal_address="https://data.test",
        proxies=["10.211.0.1"],
        tags=tags,
    )
    parsed = model.parse(yaml.safe_load(yaml.safe_dump(done)))
    assert parsed.site.public_url == "https://hub.test"
    assert parsed.services.opendata.public_url == "https://data.test"
    assert parsed.services.opendata.demonstration is False
    assert parsed.login.trusted_proxies == ("10.211.0.1",)
    assert parsed.spawner.kind == "docker"
    assert parsed.spawner.egress == "none"
    assert [e.image for e in parsed.environments] == [
        "km3net/stack:0.1.0-abc",
        "km3net/joint:0.1.0-abc",
    ]


def test_images_of_the_portal_are_left_out_where_there_is_none() -> None:
    assert "km3net/opendata" in km3net.images({})
    none = {"services": {"opendata": {"enabled": False}}}
    assert km3net.images(none) == [
        "km3net/hub", "km3net/proxy", "km3net/firewall", "km3net/stack", "km3net/joint",
    ]  # fmt: skip


def test_wrong_settings_are_told_in_sentences() -> None:
    told = km3net.problems({"sizes": [{"name": "small", "memory": "much", "cpu": 1}]})
    assert len(told) == 1
    assert "sizes" in told[0]
    assert "2G" in told[0]


OIDC = {"provider": "escape-iam", "client_id": "the-hub", "allowed_groups": ["/escape"]}


def test_login_with_a_provider_gets_its_secret_and_check_account_from_the_deployment() -> None:
    settings = {"login": {"method": "oidc", "oidc": OIDC}}
    assert km3net.problems(settings) == []
    assert km3net.login(settings) == "oidc"
    assert km3net.login({}) == "accounts"
    done = km3net.complete(
        settings,
        hub_address="https://hub.test",
        portal_address="",
        proxies=[],
        tags={},
        check_account="check",
    )
    oidc = model.parse(done).login.oidc
    assert oidc is not None
    assert oidc.client_secret_file == "oidc-secret"
    assert oidc.check_account == "check"
    assert model.parse(done).site.public_url == "https://hub.test"


def test_file_with_the_client_secret_is_the_deployments_own() -> None:
    own = {"login": {"method": "oidc", "oidc": OIDC | {"client_secret_file": "mine"}}}
    assert "platform_client_secret" in km3net.problems(own)[0]


def test_misspelt_setting_is_told_the_right_name() -> None:
    specifications = km3net.specifications(str(DEPLOY / "roles"))
    told = km3net.unknown(["proxy_tsl", "ansible_host", "proxy_tls"], specifications)
    assert told == ["proxy_tsl: there is no such setting; write proxy_tls."]


def test_libraries_that_can_be_imported_are_told_from_others() -> None:
    libraries = module("plugins/filter/libraries.py")
    assert libraries.importable("json")
    assert not libraries.importable("no_such_library_of_a_cloud")
