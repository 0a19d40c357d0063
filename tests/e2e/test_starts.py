"""Starts that cannot succeed, the stop, and make without a target."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.commands import run
from tests.e2e.platforms import (
    PORTAL,
    ROOT,
    km3hub,
    options,
    share_installation,
    start,
)
from tests.e2e.servers import start_kernel, start_server
from tests.ports import free_ports

from .processes import processes


def test_down_stops_everything_and_keeps_the_data(tmp_path: Path) -> None:
    platform = start("embedded", tmp_path, project="km3down")
    person = platform.api(platform.user, platform.password)
    start_server(person)
    start_kernel(person).run("open('kept.txt', 'w').write('2499 events')")
    result = platform.command("down")
    assert result.stdout.strip() == "Stopped; all data are kept."
    for role in ("hub", "opendata", "server"):
        assert not processes(platform.state, role)
    home = platform.state / "homes" / platform.user
    assert next(home.rglob("kept.txt")).read_text() == "2499 events"
    assert platform.command("down").stdout.strip() == "The platform is not running."

    port = platform.address.rsplit(":", 1)[1]
    again = platform.command("up", "--mode", "embedded", "--port", port)
    assert again.returncode == 0
    assert "shown this once" not in again.stdout
    start_server(platform.api(platform.user, platform.password))
    platform.stop()


def test_a_used_port_is_an_error_that_suggests_another(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    share_installation(tmp_path / "state")
    config = tmp_path / "platform.yaml"
    config.touch()
    port = free_ports(PORTAL + 1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        named = options(tmp_path / "state", config, "km3port")
        result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    assert f"Port {port} (login page) is in use" in result.stderr
    assert f"make up PORT={port + 1000}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_taken_port_of_the_portal_is_reported_too(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    share_installation(tmp_path / "state")
    config = tmp_path / "platform.yaml"
    port = free_ports(4)
    config.write_text(f"services: {{opendata: {{port: {port + 3}}}}}")
    named = options(tmp_path / "state", config, "km3port")
    with socket.create_server(("127.0.0.1", port + 3)):
        result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    assert f"Port {port + 3} (Open Data Center) is in use" in result.stderr
    config.write_text(f"services: {{opendata: {{port: {port + 2}}}}}")
    result = km3hub("up", "--mode", "embedded", "--port", str(port), *named)
    assert result.returncode == 1
    port_of = f"{port + 2} is already the port of the proxy's control"
    assert f"services.opendata.port: {port_of}" in result.stderr


def test_broken_settings_stop_the_start_before_anything_is_touched(tmp_path: Path) -> None:
    config = tmp_path / "platform.yaml"
    config.write_text("site:\n  nmae: Workshop\n")
    result = km3hub("up", "--mode", "embedded", *options(tmp_path / "state", config, "km3bad"))
    assert result.returncode == 2
    assert "site.nmae: unknown key; did you mean name?" in result.stderr
    assert not (tmp_path / "state").exists()


def test_make_alone_lists_the_targets() -> None:

    result = run("make", cwd=ROOT, env=os.environ)
    for target in ("up", "down", "test", "images", "engine", "clean"):
        assert f"make {target} " in result.stdout
