"""The portal: pages among ten thousand records, downloads, memory, and queries against bare SQLite.

Server time is what the portal itself says of a request (its log), from the first middleware to the
answer. Queries are compared with the same SQL in Python's sqlite3: connect, execute, fetch.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import psutil

from tests import commands
from tests.bench.figures import Figure, percentile, spread
from tests.opendata.running import Server, environment, run, serve
from tests.waiting import wait_until

TITLE = "Open Data Center"
RECORDS = 10_000
ROUNDS = 30
BIG_ROUNDS = 5  # bare SQLite takes seconds for a million rows
NHIT = "SELECT * FROM ant20_01.main WHERE nhit > 150"
CONE = (
    "SELECT * FROM {table} WHERE 1 = CONTAINS(POINT('ICRS', ra, {dec}), CIRCLE('ICRS', 20, 30, 2))"
)
FILL = """
import django; django.setup()
from django.db.models import Prefetch
from opendata.records.models import Description, DataFile, Record, Version
first = Record.objects.get(identifier="ana20_01_acc")
fields = {f.attname: getattr(first, f.attname) for f in Record._meta.concrete_fields}
content = {f.attname: getattr(first.current, f.attname) for f in Version._meta.concrete_fields}
for values in (fields, content):
    values.pop("id")
fields |= {"current_id": None}
many = Record.objects.bulk_create(
    Record(**fields | {"identifier": f"many_{n}", "instrument": f"ORCA{n % 30}"})
    for n in range(NUMBER)
)
versions = Version.objects.bulk_create(
    Version(**content | {"record_id": record.pk}) for record in many
)
for record, version in zip(many, versions):
    record.current_id = version.pk
Record.objects.bulk_update(many, ["current_id"], batch_size=500)
"""


def measure() -> list[Figure]:
    """Fill a portal, start it, and ask."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        variables = environment(folder)
        run(variables, "migrate")
        run(variables, "seed")
        with serve(variables) as server:
            memory = idle(server)
        fill(variables)
        with serve(variables) as server:
            figures = [*pages(server), downloads(server), *memory]
            return figures + queries(Path(variables["OPENDATA_STATE"]) / "vo", server)


def fill(variables: dict[str, str]) -> None:
    """Copy a record until there are enough."""
    program = FILL.replace("NUMBER", str(RECORDS))
    settings = {"DJANGO_SETTINGS_MODULE": "opendata.settings"}
    commands.run(sys.executable, "-c", program, env=variables | settings)


def idle(server: Server) -> list[Figure]:
    """Resident memory after the start, after the pages, and after the first query."""
    process = psutil.Process(server.pid)

    def resident() -> str:
        return f"{process.memory_info().rss / 1e6:.0f} MB"

    server.get("/health")
    fresh = resident()
    for path in ("/", "/search?q=neutrino", "/records/ana20_01_vo/", "/catalog.json", "/alerts/"):
        server.get(path)
    visited = resident()
    answer = server.get("/vo/tap/sync", params={"LANG": "ADQL", "QUERY": NHIT})
    assert answer.status_code == 200, answer.text
    return [
        Figure("portal idle, fresh", fresh, "<= 150 MB"),
        Figure("portal idle, after its pages", visited, "<= 150 MB"),
        Figure("portal idle, after the first TAP query", resident(), "<= 150 MB"),
    ]


def pages(server: Server) -> list[Figure]:
    """Server time of record pages and searches."""
    aims = {
        "record page with a plot": ("/records/ana20_01_acc/", "<= 150 ms"),
        "record page with a sky map": ("/records/ana20_01_vo/", "<= 150 ms"),
        "search page": ("/search?q=antares+acceptance", "<= 100 ms"),
        "search by REST with facets": ("/api/v1/search/?q=antares&instrument=ORCA7", "<= 100 ms"),
        "catalogue list by REST": ("/api/v1/records/", "<= 100 ms"),
    }
    figures = []
    for name, (path, aim) in aims.items():
        server.get(path)
        times = [server_time(server, path) for _ in range(ROUNDS)]
        what = f"{name}, {RECORDS} records, server time p50 / p95"
        shown = f"{percentile(times, 50):.0f} / {percentile(times, 95):.0f} ms"
        figures.append(Figure(what, shown, aim))
    return figures


def server_time(server: Server, path: str) -> float:
    """Milliseconds that the portal says it took for a request."""
    answer = server.get(path)
    assert answer.status_code == 200, answer.text
    number = answer.headers["X-Request-ID"]
    line = wait_until(
        lambda: next((line for line in reversed(server.log) if number in line), None),
        seconds=5,
        what=f"the log names {path}",
        interval=0.001,
    )
    return float(json.loads(line)["ms"])


def downloads(server: Server) -> Figure:
    """Two hundred ranges of one file at once, put together again."""
    file = server.get("/api/v1/records/evts20_01_file1/files/").json()[0]
    size, url = file["size"], file["url"]
    step = -(-size // 200)

    async def fetch() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            return await asyncio.gather(
                *(
                    client.get(url, headers={"Range": f"bytes={start}-{start + step - 1}"})
                    for start in range(0, size, step)
                )
            )

    began = time.perf_counter()
    answers = asyncio.run(fetch())
    took = time.perf_counter() - began
    good = sum(answer.status_code == 206 for answer in answers)
    whole = sum(len(answer.content) for answer in answers) == size
    shown = f"{len(answers) - good + (not whole)} errors, {took:.1f} s"
    return Figure(f"{len(answers)} concurrent range downloads", shown, "no error")


def queries(folder: Path, server: Server) -> list[Figure]:
    """The query service against bare SQLite, in turn."""
    # Here, since the services need no settings of Django but numpy and others take a while.
    from adqlite.limits import Limits
    from adqlite.service import TapService

    big(folder)
    service = TapService(folder, Limits(default_rows=2_000_000))
    figures = []
    asked = {
        "nhit>150 on 8754 rows": ("ant20_01", NHIT),
        "cone of 2 deg on 8754 rows": ("ant20_01", CONE.format(table="ant20_01.main", dec="decl")),
        "cone of 2 deg on 1e6 rows": ("bench", CONE.format(table="bench.sky", dec="dec")),
    }
    for name, (schema, query) in asked.items():
        file = folder / str(service.store.schema(schema).file)  # type: ignore[union-attr]
        rows, figure = against(name, service, query, file)
        figures += figure
        # One client: opening connections and reading certificates is not the portal's work.
        with httpx.Client(base_url=server.url, timeout=60) as client:
            sent = {"LANG": "ADQL", "QUERY": query}
            answer = client.get("/vo/tap/sync", params=sent)
            assert answer.status_code == 200, answer.text
            over = [
                timed(lambda c=client, p=sent: c.get("/vo/tap/sync", params=p))
                for _ in range(ROUNDS)
            ]
        aim = "<= 100 ms" if schema == "bench" else ""
        what = f"{name} ({rows} rows): over HTTP as VOTable"
        figures.append(Figure(what, spread([1000 * t for t in over], "ms"), aim))
    service.close()
    return figures


def against(name: str, service: object, query: str, file: Path) -> tuple[int, list[Figure]]:
    """One query by the engine and bare, in turn; each round with a text that is new."""
    engine = service.engine  # type: ignore[attr-defined]
    sql = bare_sql(query)

    def served(text: str) -> list[tuple[object, ...]]:
        with engine.run(text, seconds=30) as result:
            return list(result.rows)

    def bare() -> list[tuple[object, ...]]:
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
        if "separation" in sql:
            connection.create_function("separation", 4, separation(), deterministic=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    assert sorted(map(repr, served(query))) == sorted(map(repr, bare()))
    again, first, plain = [], [], []
    for number in range(BIG_ROUNDS if "sky" in sql else ROUNDS):
        plain.append(timed(bare))
        again.append(timed(lambda: served(query)))
        first.append(timed(lambda n=number: served(query + " " * (n + 1))))
    ratios = [a / b for a, b in zip(again, plain, strict=True)]
    firsts = [a / b for a, b in zip(first, plain, strict=True)]
    rows = len(bare())
    return rows, [
        Figure(f"{name}: bare sqlite3, connect to fetch", spread([1000 * t for t in plain], "ms")),
        Figure(f"{name}: query service / bare", spread(ratios, ""), "<= 2"),
        Figure(f"{name}: with a text never seen before / bare", spread(firsts, ""), "report"),
    ]


def bare_sql(query: str) -> str:
    """The same question in the SQL of SQLite, as a person would write it."""
    if "CONTAINS" not in query:
        return "SELECT * FROM main WHERE nhit > 150"
    dec = "decl" if "decl" in query else "dec"
    table = "main" if dec == "decl" else "sky"
    return f"SELECT * FROM {table} WHERE separation(ra, {dec}, 20, 30) <= 2"  # noqa: S608


def separation() -> Callable[..., float]:
    """The angle between two directions, as the services compute it."""
    from adqlite.geometry import separation as angle

    return angle


def big(folder: Path) -> None:
    """Publish a million positions."""
    from adqlite.tables.metadata import Schema, Table, TableColumn
    from adqlite.tables.storage import TableStore

    draw = np.random.default_rng(1)
    ra = draw.uniform(0, 360, 1_000_000)
    dec = np.degrees(np.arcsin(draw.uniform(-1, 1, 1_000_000)))
    columns = [
        TableColumn(name=name, datatype="double", unit="deg", ucd=f"pos.eq.{name};meta.main")
        for name in ("ra", "dec")
    ]
    table = Table(name="sky", columns=(*columns, TableColumn(name="n", datatype="int")))
    rows = zip(ra.tolist(), dec.tolist(), range(1_000_000), strict=True)
    TableStore(folder).publish(Schema(name="bench", title="Bench", tables=(table,)), {"sky": rows})


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
