"""The hub's pages: our templates and style, the site's name, the banner."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from km3hub.configure.extending import extend
from km3hub.pages.banner import BannerFile
from km3hub.pages.handlers import STATIC, BannerHandler, StaticHandler, versions
from km3hub.pages.redirect import to_user_server
from km3settings.portal import Portal
from km3settings.runtime import Runtime
from km3settings.settings import Settings
from km3settings.site import Banner

__all__ = ["configure_pages"]

TEMPLATES = Path(__file__).parents[1] / "pages" / "templates"


def configure_pages(c: Any, settings: Settings, runtime: Runtime) -> None:
    """Set templates, their variables, and the handlers of banner and static files."""
    watched = BannerFile(runtime.settings_file, settings.site.banner)

    # Functions, because JupyterHub copies every other value of its configuration; both of these
    # must look at the same file at the same time.
    def read() -> Banner:
        return watched.current()

    def banner(user: object) -> Banner:
        return watched.current()

    c.JupyterHub.template_paths = [str(TEMPLATES)]
    c.JupyterHub.template_vars = {
        "km3_banner": banner,
        "km3_site": settings.site.name,
        "km3_contact": settings.site.contact,
        "km3_contact_address": _address(settings.site.contact),
        "km3_opendata": Portal(settings, runtime).for_people,
        "km3_workshop": settings.workshop.title,
        "km3_environments": {e.name: e.title for e in settings.environments},
        "km3_sizes": {s.name: s.title or s.name for s in settings.sizes},
        "km3_static": versions(),
    }
    c.JupyterHub.user_redirect_hook = to_user_server
    c.JupyterHub.logo_file = str(STATIC / "logo.svg")
    # JupyterHub deprecates this in favour of services; but a service would be another process for
    # one line of JSON, and could not share the banner with the pages.
    handlers = [
        (r"/banner", BannerHandler, {"banner": read}),
        (r"/km3/(.*)", StaticHandler, {"path": str(STATIC)}),
    ]
    extend(c.JupyterHub, "extra_handlers", handlers)


def _address(contact: str) -> str:
    """Returns the address of a link to the contact; empty where the contact is a name."""
    if re.match(r"^https?://\S+$", contact):
        return contact
    if re.match(r"^[^@\s:/?]+@[^@\s:/?]+\.[^@\s:/?]+$", contact):
        return f"mailto:{contact}"
    return ""
