"""A small feed on a real socket, as the contract in openkm3.alerts.feed has it."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = 2


def notice(number: int, **more) -> dict:
    return {"event_name": f"KM3-24090{number}A", "alert_type": "initial"} | more


@dataclass
class Feed:
    """The issued alerts, the faults to simulate, and the requests received."""

    alerts: dict[str, object] = field(default_factory=dict)
    failing: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, int]] = field(default_factory=list)
    role: str = "observation"
    elsewhere: str = ""
    version: str = "1"
    asked: threading.Condition = field(default_factory=threading.Condition)

    def issue(self, *numbers: int, **more) -> None:
        self.alerts |= {str(number): notice(number, **more) for number in numbers}

    def asked_for(self, path: str, status: int) -> int:
        return self.requests.count((path, status))

    def wait_until(self, path: str, status: int, times: int = 1) -> None:
        with self.asked:
            assert self.asked.wait_for(lambda: self.asked_for(path, status) >= times, timeout=20)

    def page(self, number: int) -> dict:
        names = list(self.alerts)[::-1]
        part = names[number * PAGE : (number + 1) * PAGE]
        more = len(names) > (number + 1) * PAGE
        entries = [
            {
                "id": f"ivo://km3net.org/VOEvent#{name}",
                "issued": "2024-09-01T00:00:00Z",
                "role": self.role,
                "json": f"{self.elsewhere}/alerts/{name}.json",
                "voevent": f"/alerts/{name}.xml",
            }
            for name in part
        ]
        return {"alerts": entries, "next": f"?page={number + 1}" if more else None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        feed: Feed = self.server.feed
        path, _, query = self.path.partition("?page=")
        status, headers, body = 200, {}, b""
        if path in feed.failing:
            status, headers = feed.failing[path]
        elif path in feed.bodies:
            body = feed.bodies[path]
        elif path == "/alerts/feed.json":
            body = json.dumps(feed.page(int(query or 0))).encode()
            headers = {"ETag": f'"{feed.version}-{len(feed.alerts)}-{query}"'}
            if self.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
        else:
            name = path.removeprefix("/alerts/").removesuffix(".json")
            if name in feed.alerts:
                body = json.dumps(feed.alerts[name]).encode()
            else:
                status = 404
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with feed.asked:
            feed.requests.append((path, status))
            feed.asked.notify_all()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def serving(feed: Feed, port: int = 0):
    """Serve until the block ends; yield the address of the feed."""
    server = Server(("127.0.0.1", port), Handler)
    server.feed = feed
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts/feed.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
