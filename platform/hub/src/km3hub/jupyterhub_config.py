"""JupyterHub's configuration: wiring only. What is set, and why, stands in `configure/`."""

from km3hub.configure.culling import configure_culling
from km3hub.configure.login import configure_login
from km3hub.configure.network import configure_network
from km3hub.configure.opendata import configure_opendata
from km3hub.configure.pages import configure_pages
from km3hub.configure.spawning import configure_spawning
from km3hub.configure.status import configure_status
from km3settings import settings

c = get_config()  # type: ignore[name-defined]  # noqa: F821 -- JupyterHub defines it
platform = settings.load()

configure_network(c, platform)
configure_pages(c, platform)
configure_login(c, platform)
configure_spawning(c, platform)
configure_culling(c, platform)
configure_opendata(c, platform)
configure_status(c, platform)
