"""Links to files in one's own server, whatever the file is called."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.hub.running import RunningHub

NAMES = ["fit.ipynb", "100%.ipynb", "50%25 off.ipynb", "c#.ipynb", "what?.ipynb", "a+b&c=d é.ipynb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_link_leads_to_the_file_of_that_name(hub: RunningHub, password: str, name: str) -> None:
    asked = f"/hub/user-redirect/lab/tree/{quote(name)}?reset"
    with hub.client() as client:
        # Who has to log in first gets there too.
        login = client.get(asked, follow_redirects=False).headers["location"]
        client.get(login)
        form = {"username": "ada", "password": password, "_xsrf": client.xsrf()}
        back = client.post(login, data=form, follow_redirects=False).headers["location"]
        spawn = urlsplit(client.get(back, follow_redirects=False).headers["location"])
    assert spawn.path == "/hub/spawn/ada"
    (wanted,) = parse_qs(spawn.query)["next"]
    found = urlsplit(wanted)
    assert found.path.startswith("/user/ada/lab/tree/")
    assert unquote(found.path).removeprefix("/user/ada/lab/tree/") == name
    assert found.query == "reset"
