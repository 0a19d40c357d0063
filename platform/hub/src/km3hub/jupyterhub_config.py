"""JupyterHub's configuration: wiring only. What is set, and why, is in `configure/`."""

from km3hub.configure.everything import configure
from km3settings.runtime import Runtime
from km3settings.settings import load

c = get_config()  # type: ignore[name-defined]  # noqa: F821 -- JupyterHub defines it
runtime = Runtime.from_environment()
configure(c, load(runtime.settings_file), runtime)
