"""A user's server on its own: what it offers, what it reads, and what it leaves behind."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.lab.running import LabServer, kernels_prefix
from tests.tools import TOOLS
from tests.waiting import wait_until

StartLab = Callable[..., LabServer]


def test_the_printed_address_opens_jupyterlab(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    wait_until(lambda: "http://" in server.log, seconds=10, what="the address is printed")
    (address,) = re.findall(r"http://127\.0\.0\.1:\d+/lab\?token=\S+", server.log)
    page = httpx.get(address, follow_redirects=True, timeout=60)
    assert page.status_code == 200
    assert "jupyter-config-data" in page.text


def test_without_the_token_there_is_no_way_in(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    for path in ("api/contents", "api/kernels", "km3/notices"):
        assert httpx.get(server.url + path, timeout=60).status_code == 403


def test_without_a_given_token_each_start_has_its_own(start_lab: StartLab, home: Path) -> None:
    server = LabServer(home, home.parent / "log")
    del server.environment["JUPYTER_TOKEN"]
    tokens = set()
    for _ in range(2):
        server.log_file.unlink(missing_ok=True)
        server.client = httpx.Client(base_url=server.url, timeout=60)
        try:
            # Only an answer is awaited: without the token it is no success.
            server._answers = lambda: "token=" in server.log  # type: ignore[method-assign]
            server.start()
            tokens.add(re.findall(r"token=(\w{48})", server.log)[0])
        finally:
            server.stop()
    assert len(tokens) == 2


def test_only_the_science_environments_kernel_is_offered(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    specs = server.api("GET", "/api/kernelspecs")["kernelspecs"]
    assert list(specs) == ["python3"]
    prefix = str(kernels_prefix())
    code = "import sys, os, shutil; print(sys.prefix, shutil.which('python'))"
    answer = server.run(server.new_kernel(), code)
    assert answer.split() == [prefix, f"{prefix}/bin/python"]


def test_a_users_own_kernel_is_offered_but_never_in_place_of_the_platforms(
    start_lab: StartLab, home: Path
) -> None:
    for name in ("python3", "mine"):
        folder = home / ".local" / "share" / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        spec = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Old", "language": "x"}
        (folder / "kernel.json").write_text(json.dumps(spec))
    specs = start_lab(home).api("GET", "/api/kernelspecs")["kernelspecs"]
    assert sorted(specs) == ["mine", "python3"]
    assert specs["python3"]["spec"]["argv"][0].startswith(str(kernels_prefix()))


def test_nothing_in_the_home_can_break_or_change_the_server(
    start_lab: StartLab, home: Path
) -> None:
    config = home / ".jupyter"
    config.mkdir()
    broken = "raise SystemExit('the user configuration was read')\n"
    for name in ("jupyter_server_config.py", "jupyter_lab_config.py", "jupyter_config.py"):
        (config / name).write_text(broken)
    (config / "jupyter_server_config.json").write_text('{"IdentityProvider": {"token": ""}}')
    user_site = f"python{'.'.join(map(str, os.sys.version_info[:2]))}"  # type: ignore[attr-defined]
    site = home / ".local" / "lib" / user_site / "site-packages"
    site.mkdir(parents=True)
    (site / "tornado.py").write_text(broken)
    server = start_lab(home)
    assert httpx.get(server.url + "api/contents", timeout=60).status_code == 403


def test_kernels_and_terminals_keep_the_users_own_settings(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home, PYTHONNOUSERSITE="1")
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_PATH", "PYTHONNOUSERSITE")
    code = f"import os; print([name for name in {names} if name in os.environ])"
    assert server.run(server.new_kernel(), code).strip() == "[]"


def test_terminals_find_km3hub_but_not_labs_python(
    start_lab: StartLab, home: Path, pristine: Path
) -> None:
    server = start_lab(home, KM3_TUTORIALS=str(pristine))
    (home / "tutorials" / "README.md").write_text("mine")
    text = server.in_terminal(
        "km3hub tutorials list; command -v jupyter-lab || echo no-$((1+1))", expect="no-2"
    )
    assert re.search(r"README\.md\s+changed by you", text)
    text = server.in_terminal("km3hub tutorials reset README.md; echo $?", expect=r"\n\d")
    assert "Your version is now tutorials/README.yours-1.md" in text


def test_the_menu_offers_only_formats_that_can_be_made(start_lab: StartLab, home: Path) -> None:
    notebook = {
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A $x^2$"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    server = start_lab(home)
    model = {"type": "notebook", "format": "json", "content": notebook}
    server.api("PUT", "/api/contents/a%20b%2325.ipynb", json=model)
    offered = server.api("GET", "/api/nbconvert")
    assert {"html", "markdown", "notebook", "script", "slides"} <= set(offered)
    assert ("pdf" in offered) is next(tool for tool in TOOLS if tool.name == "Pango").present()
    for name in set(offered) - {"custom"}:
        made = server.client.get(f"/nbconvert/{name}/a%20b%2325.ipynb")
        assert made.status_code == 200, f"{name}: {made.text}"


def test_no_extension_is_loaded_that_nobody_needs(start_lab: StartLab, home: Path) -> None:
    server = start_lab(home)
    assert server.process is not None
    page = server.client.get("/lab").text
    (config,) = re.findall(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    federated = {extension["name"] for extension in json.loads(config)["federated_extensions"]}
    assert "@km3net/lab" in federated
    assert "@jupyter-widgets/jupyterlab-manager" in federated
    assert server.client.get("/lsp/status").status_code == 404


def test_it_stops_within_seconds_and_leaves_nothing_in_the_temporary_folder(
    start_lab: StartLab, home: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = start_lab(home, TMPDIR=str(temporary))
    server.new_kernel()
    assert list(temporary.iterdir())
    server.stop()
    assert server.process is not None
    assert server.process.returncode == 0
    left = [path.name for path in temporary.iterdir() if path.name.startswith("km3-lab-")]
    assert left == []


def test_a_file_survives_a_disk_that_fills_up_while_it_is_saved(
    start_lab: StartLab, home: Path
) -> None:
    server = start_lab(home)
    first = {"type": "file", "format": "text", "content": "precious " * 1000}
    server.api("PUT", "/api/contents/note.txt", json=first)
    # As on a full disk, the write stops midway: here at a limit of the size of files.
    import resource

    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    bigger = {"type": "file", "format": "text", "content": "x" * 500_000}
    assert server.client.put("/api/contents/note.txt", json=bigger).status_code >= 400
    assert (home / "note.txt").read_text() == first["content"]
