"""What the deployment makes of the settings."""

from __future__ import annotations

import re
from typing import Any

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
        "km3net/hub", "km3net/proxy", "km3net/broker", "km3net/firewall", "km3net/homes",
        "km3net/stack",
        "km3net/joint",
    ]  # fmt: skip


def test_wrong_settings_are_reported_in_sentences() -> None:
    messages = km3net.problems({"sizes": [{"name": "small", "memory": "much", "cpu": 1}]})
    assert len(messages) == 1
    assert "sizes" in messages[0]
    assert "2G" in messages[0]


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


def test_error_for_a_misspelt_setting_suggests_the_right_name() -> None:
    specifications = km3net.specifications(str(DEPLOY / "roles"))
    messages = km3net.unknown(["proxy_tsl", "ansible_host", "proxy_tls"], specifications)
    assert messages == ["proxy_tsl: there is no such setting; write proxy_tls."]


def test_importable_libraries_are_recognised() -> None:
    libraries = module("plugins/filter/libraries.py")
    assert libraries.importable("json")
    assert not libraries.importable("no_such_library_of_a_cloud")


def test_own_host_names_need_dns_unless_the_admin_decides() -> None:
    def own(settings: dict[str, Any], found: bool) -> bool:
        return bool(km3net.own_origins(settings, "https://hub.test", found))

    assert own({}, True)
    assert not own({}, False)
    assert own({"site": {"user_origins": "own"}}, False)
    assert not own({"site": {"user_origins": "shared"}}, True)
    told = km3net.compose_variables(
        {"site": {"public_url": "https://hub.test"}}, "km3", 8000, own_names=True
    )
    assert (told["KM3_USER_ORIGINS"], told["KM3_HUB_ORIGIN"]) == ("own", "https://hub.test")


def test_wildcard_name_leads_to_the_hub_by_one_common_address() -> None:
    hub = {
        "stdout_lines": ["192.0.2.1   STREAM hub.test", "192.0.2.1   DGRAM", "2001:db8::1 STREAM"]
    }
    assert km3net.common_address([hub, {"stdout_lines": ["2001:db8::1 STREAM x.hub.test"]}])
    assert not km3net.common_address([hub, {"stdout_lines": ["192.0.2.9 STREAM"]}])
    # Names that DNS does not know, and look-ups that were not made.
    assert not km3net.common_address([hub, {"stdout_lines": []}])
    assert not km3net.common_address([hub, {"skipped": True}])
    assert not km3net.common_address([])


MOUNTS = {
    "ext4": "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
    "private": "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
    "xfs": "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
    "40 22 254:16 / /var/lib/docker/volumes rw shared:9 - xfs /dev/vdb rw,attr2,prjquota",
}


def chosen(mounts: str, settings: dict[str, object], **more: object) -> dict[str, str]:
    volumes = "/var/lib/docker/volumes"
    found: dict[str, str] = km3net.homes(
        {"homes": settings}, volumes=volumes, mountinfo=MOUNTS[mounts], loops=True, **more
    )
    return found


def test_the_host_decides_how_limits_are_enforced() -> None:
    quota = {"quota": "10G"}
    assert chosen("ext4", {})["backend"] == ""
    assert chosen("ext4", quota)["backend"] == "image"
    assert chosen("xfs", quota)["backend"] == "xfs"
    private = chosen("private", quota)
    assert private["backend"] == "none"
    assert (
        "limits of homes are not enforced: mounts of this machine are private"
        in (private["sentence"])
    )
    # A disk that came later does not move homes; and images stay mounted without a quota.
    assert chosen("xfs", quota, kept="image\n")["backend"] == "image"
    assert chosen("ext4", {}, kept="image\n")["backend"] == "image"
    wrong = chosen("ext4", {"quota": "10G", "backend": "xfs"})
    assert wrong["error"].startswith("homes.backend: xfs does not work here: ")
    given = km3net.compose_variables({}, "km3net", 8000, "image", "/var/lib/docker/volumes")
    assert given["KM3_HOMES_PROPAGATION"] == "rshared"
    for backend in ("xfs", "btrfs"):
        given = km3net.compose_variables({}, "km3net", 8000, backend, "/var/lib/docker/volumes")
        # The engine refuses `rprivate` below its own folder.
        assert given["KM3_HOMES_PROPAGATION"] == ""
    assert given["COMPOSE_PROFILES"] == "opendata,homes"
