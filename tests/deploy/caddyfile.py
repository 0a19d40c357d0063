"""Caddy's configuration as the role writes it, without Ansible."""

from __future__ import annotations

from typing import Any

import jinja2

from tests.deploy.sources import DEPLOY

USUAL: dict[str, Any] = {
    "ansible_managed": "Managed by Ansible", "proxy_trusted": [], "proxy_http_port": 80,
    "proxy_https_port": 443, "proxy_acme_email": "admin@example.org", "proxy_acme_directory": "",
    "proxy_acme_root": "", "proxy_acme_key_id": "", "proxy_acme_mac_key": "", "proxy_tls": "acme",
    "proxy_hsts_seconds": 31536000, "platform_hub_name": "hub.example.org",
    "platform_hub_port": 8000, "platform_portal": True,
    "platform_portal_name": "opendata.example.org", "platform_portal_port": 8090,
    "platform_vo_name": "", "platform_portal_address": "https://opendata.example.org",
    "platform_own_origins": False, "proxy_wildcard": False, "proxy_wildcard_files": "/etc/caddy",
}  # fmt: skip


def written(**settings: Any) -> str:
    text = (DEPLOY / "roles/proxy/templates/Caddyfile.j2").read_text()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True)  # noqa: S701
    environment.filters["unique"] = lambda values: list(dict.fromkeys(values))
    return environment.from_string(text).render(**{**USUAL, **settings})
