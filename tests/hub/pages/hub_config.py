"""A hub with the platform's pages and network, for the tests of the pages.

Its users' servers are quick: one that answers at once, one that never does, one that dies.
"""

import sys

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado.web import HTTPError

from km3hub import settings
from km3hub.configure.network import configure_network
from km3hub.configure.pages import configure_pages
from km3hub.spawning import options
from km3hub.state import Runtime

ANSWERS = """
import http.server, os, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("X-JupyterHub-Version", "6"); self.end_headers()
        self.wfile.write(b"<!doctype html><title>Lab</title><h1>Lab</h1>")
    def log_message(self, *args): pass
url = urllib.parse.urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
http.server.HTTPServer((url.hostname, url.port), Handler).serve_forever()
"""


class QuickSpawner(SimpleLocalProcessSpawner):
    platform = settings.load()
    runtime = Runtime.from_environment()
    choice = None

    async def start(self):
        script = {
            "works": ANSWERS,
            "slow": "import time; time.sleep(600)",
            "dies": "raise SystemExit(3)",
        }[self.choice.environment.name]
        self.cmd = [sys.executable, "-c", script]
        return await super().start()

    async def progress(self):
        yield {"progress": 20, "message": f"Starting {self.choice.environment.title}"}
        yield {"progress": 60, "message": "Preparing <b>tutorials</b>"}


class OnePassword(Authenticator):
    async def authenticate(self, handler, data):
        if data["username"] == "locked":
            raise HTTPError(429, "Too many failed logins. Wait 60 seconds.")
        return data["username"] if data["password"] == "deep sea" else None


c = get_config()  # noqa: F821 -- JupyterHub runs this file with get_config defined
platform = settings.load()
configure_network(c, platform)
configure_pages(c, platform)
c.JupyterHub.cleanup_servers = True
c.JupyterHub.authenticator_class = OnePassword
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
c.JupyterHub.spawner_class = QuickSpawner
c.Spawner.options_form = options.options_form
c.Spawner.options_from_form = options.options_from_form
c.Spawner.apply_user_options = options.apply_user_options
c.Spawner.args = []
c.SimpleLocalProcessSpawner.home_dir_template = str(Runtime.from_environment().state.homes / "x")
c.Spawner.http_timeout = 8
c.JupyterHub.services.append(
    {"name": "tester", "api_token": "0123456789abcdef0123456789abcdef", "display": False}
)
c.JupyterHub.load_roles.append(
    {"name": "tester", "scopes": ["servers", "admin:users"], "services": ["tester"]}
)
