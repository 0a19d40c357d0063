"""A user's server: greets its user, keeps notes in a file, uses a core after SIGUSR1."""

import os
import signal
from pathlib import Path
from threading import Thread
from urllib.parse import urlparse

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import ioloop, web

# So that every request soon asks the hub again.
HubOAuth.instance(cache_max_age=1)


class Greeting(HubOAuthenticated, web.RequestHandler):
    """Says hello, and appends `?note=` to a file in the home."""

    @web.authenticated
    def get(self) -> None:
        note = self.get_argument("note", "")
        if note:
            with (Path.home() / "notes.txt").open("a", encoding="utf-8") as file:
                file.write(note + "\n")
        self.write(f"hello {self.get_current_user()['name']}")

    @web.authenticated
    def put(self) -> None:
        # As a hostile server would: whoever wrote it keeps what visitors send.
        with Path("tokens.txt").open("a", encoding="utf-8") as file:
            file.write(self.request.headers.get("Authorization", "") + "\n")
        with (Path.home() / "notes.txt").open("a", encoding="utf-8") as file:
            file.write(self.request.body.decode() + "\n")


def burn() -> None:
    """Uses a core for ever."""
    while True:
        pass


signal.signal(signal.SIGUSR1, lambda *_: Thread(target=burn, daemon=True).start())
prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
address = urlparse(os.environ["JUPYTERHUB_SERVICE_URL"])
application = web.Application(
    [(prefix + "oauth_callback", HubOAuthCallbackHandler), (prefix + ".*", Greeting)],
    cookie_secret=os.urandom(32),
)
application.listen(address.port, address.hostname)
ioloop.IOLoop.current().start()
