"""Log in to the hub as a user, start a server, run a cell, stop it.

Runs in the hub's image; standard input is a JSON object with `address`, `name`, `environments` and
`password`, or `token` where people log in with a provider: then the visit goes as far as to the
provider's page, and on with an account that is the site's own. Where a proxy of the site has the
certificates (`site_proxy`), the visit speaks as that proxy does. Prints a line a step; exit code 1
and a sentence where a step fails.
"""

import asyncio
import json
import ssl
import sys
import time
import uuid
from urllib.parse import urlsplit

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

CELL = "import numpy, os; print(int(numpy.arange(7).sum()) * 2)"
ANSWER = "42"


class VisitError(Exception):
    """A step failed; the message says which and why."""


def step(said, began):
    """Say that a step is done."""
    print(f"  {said} ({time.monotonic() - began:.1f} s)", flush=True)


def xsrf(client, path):
    """The token against forged requests of hub or server."""
    return next((c.value for c in client.cookies.jar if c.name == "_xsrf" and c.path == path), "")


def log_in(client, name, password):
    """Log in by the page's form, and return a token for the API."""
    client.get("/hub/login")
    form = {"username": name, "password": password, "_xsrf": xsrf(client, "/hub/")}
    answer = client.post("/hub/login", data=form)
    if answer.status_code != 302:
        raise VisitError(f"the account {name} cannot log in (the hub answers {answer.status_code})")
    client.get("/hub/home")
    headers = {"X-XSRFToken": xsrf(client, "/hub/")}
    body = {"note": "verify", "expires_in": 900}
    answer = client.post(f"/hub/api/users/{name}/tokens", headers=headers, json=body)
    if answer.status_code != 201:
        raise VisitError(f"the hub gives {name} no token ({answer.status_code})")
    return answer.json()["token"]


def see_provider(client, name, token):
    """See that people are sent to the provider; make the account if it is not there."""
    answer = client.get("/hub/oauth_login")
    place = answer.headers.get("location", "")
    if answer.status_code != 302 or not place.startswith("http"):
        raise VisitError(
            f"nobody can log in: the hub answers {answer.status_code} instead of sending people to"
            " their provider; its log says why"
        )
    provider = urlsplit(place).netloc
    try:
        page = client.get(place, follow_redirects=True)
    except httpx.HTTPError as error:
        raise VisitError(f"nobody can log in: {provider} does not answer ({error})") from None
    if page.status_code != 200:
        raise VisitError(f"nobody can log in: {provider} answers {page.status_code}")
    headers = {"Authorization": f"token {token}"}
    answer = client.post(f"/hub/api/users/{name}", headers=headers)
    if answer.status_code not in (201, 409):
        raise VisitError(f"the hub does not make the account {name} ({answer.status_code})")


def stop(client, name):
    """Stop the server, if one runs, and wait until it is gone."""
    client.delete(f"/hub/api/users/{name}/server")
    deadline = time.monotonic() + 60
    while client.get(f"/hub/api/users/{name}").json()["servers"]:
        if time.monotonic() > deadline:
            raise VisitError("the server does not stop within a minute")
        time.sleep(0.5)


def start(client, name, environment):
    """Start a server and wait until it is ready."""
    choice = {"environment": environment}
    answer = client.post(f"/hub/api/users/{name}/server", json=choice)
    if answer.status_code not in (201, 202):
        raise VisitError(f"no server of {environment} can be started: {answer.text[:300]}")
    progress = f"/hub/api/users/{name}/server/progress"
    with client.stream("GET", progress, timeout=300) as events:
        for line in events.iter_lines():
            if not line.startswith("data:"):
                continue
            event = json.loads(line.removeprefix("data:"))
            if event.get("failed"):
                raise VisitError(f"a server of {environment} does not start: {event['message']}")
            if event.get("ready"):
                return
    raise VisitError(f"a server of {environment} does not become ready")


def visitor(address, forwarded, **headers):
    """A client without a login."""
    client = httpx.Client(base_url=address, timeout=60, headers=forwarded | headers)
    if forwarded:
        # The browser's connection to the site's proxy is secure; this one goes on by http.
        def send_all(response):
            for cookie in client.cookies.jar:
                cookie.secure = False

        client.event_hooks = {"response": [send_all]}
    return client


async def run_cell(address, headers, name, kernel):
    """Run the cell in a kernel, through a websocket, and compare what it prints."""
    parts = urlsplit(address)
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = f"{scheme}://{parts.netloc}/user/{name}/api/kernels/{kernel}/channels"
    context = ssl.create_default_context() if scheme == "wss" else None
    request = HTTPRequest(url, headers=headers, ssl_options=context, connect_timeout=30)
    channel = await websocket_connect(request)
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
    header |= {"username": "", "session": uuid.uuid4().hex}
    content = {"code": CELL, "silent": False}
    message = {"header": header, "content": content, "channel": "shell"}
    await channel.write_message(json.dumps(message | {"parent_header": {}, "metadata": {}}))
    while True:
        text = await asyncio.wait_for(channel.read_message(), 120)
        if text is None:
            raise VisitError("the websocket of the kernel was closed")
        answer = json.loads(text)
        if answer["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if answer["msg_type"] == "error":
            raise VisitError(f"the cell failed: {answer['content']['evalue']}")
        if answer["msg_type"] == "stream":
            if answer["content"]["text"].strip() != ANSWER:
                raise VisitError(f"the cell printed {answer['content']['text']!r}")
            channel.close()
            return


def main():
    """The visit."""
    given = json.load(sys.stdin)
    address, name = given["address"], given["name"]
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    forwarded = said if given["site_proxy"] else {}
    with visitor(address, forwarded) as client:
        began = time.monotonic()
        if token := given.get("token"):
            see_provider(client, name, token)
            step("saw the provider's page", began)
        else:
            token = log_in(client, name, given["password"])
            step("logged in", began)
    own = {"Authorization": f"token {token}"}
    with visitor(address, forwarded, **own) as client:
        try:
            stop(client, name)
            for environment in given["environments"]:
                began = time.monotonic()
                start(client, name, environment)
                step(f"a server of {environment} is ready", began)
                began = time.monotonic()
                answer = client.post(f"/user/{name}/api/kernels", json={"name": "python3"})
                if answer.status_code != 201:
                    raise VisitError(f"no kernel starts in {environment} ({answer.status_code})")
                asyncio.run(run_cell(address, forwarded | own, name, answer.json()["id"]))
                step("a cell ran over the websocket", began)
                stop(client, name)
        finally:
            client.delete(f"/hub/api/users/{name}/server")


if __name__ == "__main__":
    try:
        main()
    except VisitError as error:
        print(error)
        sys.exit(1)
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        print(f"the hub cannot be reached: {error}")
        sys.exit(1)
