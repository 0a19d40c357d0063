"""What runs on a host says in sentences what is wrong there."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.sources import module

verify = module("roles/verify/files/verify.py")
certificates = module("tests/certificates.py")


def checks(folder: Path, **given: Any) -> Any:
    return verify.Checks({"folder": str(folder), "project": "km3net", **given})


@contextmanager
def https_server(certificate: Path, key: Path) -> Iterator[int]:
    """Shows a certificate to whoever asks, until the end; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    plain, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()  # whoever asked does not trust the certificate

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=60)


def look(folder: Path, *, days: int, name: str = "hub.test") -> str:
    """What is said of a certificate that ends in so many days."""
    authority = certificates.Authority(folder)
    with https_server(*authority.issue("hub", ["hub.test"], days)) as port:
        said = checks(
            folder,
            tls=True, web={name: "/"}, port=port, authority=str(authority.file),
            certificate_days=14,
        ).certificates()  # fmt: skip
    return str(said)


def test_certificate_with_time_left_is_good(tmp_path: Path) -> None:
    assert look(tmp_path, days=29) in {
        "certificates are valid for 29 days",
        "certificates are valid for 28 days",
    }


@pytest.mark.parametrize(
    ("days", "name", "words"),
    [
        (5, "hub.test", "ends in 5 days"),
        (-1, "hub.test", "certificate has expired"),
        (29, "other.test", "not valid"),
    ],
)
def test_certificate_without_time_or_for_another_name_is_told(
    tmp_path: Path, days: int, name: str, words: str
) -> None:
    with pytest.raises(verify.Failed, match=words):
        look(tmp_path, days=days, name=name)


@pytest.mark.skipif(os.geteuid() != 0, reason="files must be root's: run the tests as root")
def test_secret_that_others_may_read_is_told(tmp_path: Path) -> None:
    for name in ("secrets", "compose"):
        (tmp_path / name).mkdir()
    state = tmp_path / "state"
    state.mkdir()
    files = [tmp_path / "secrets" / "proxy-token", tmp_path / "compose" / ".env"]
    for path in (*files, state / "secret-oidc-client"):
        path.write_text("x")
        path.chmod(0o600)
    os.chown(state / "secret-oidc-client", 1000, 1000)
    assert checks(tmp_path, state=str(state)).secrets() == "secrets are root's only"
    for path in (files[0], state / "secret-oidc-client"):
        path.chmod(0o640)
        with pytest.raises(verify.Failed, match=rf"others may read .*{path.name}: chmod 600"):
            checks(tmp_path, state=str(state)).secrets()
        path.chmod(0o600)
    os.chown(files[0], 1000, 1000)
    with pytest.raises(verify.Failed, match="others may read"):
        checks(tmp_path, state=str(state)).secrets()


def test_full_disk_is_told() -> None:
    docker = Path("/var/lib/docker")
    if not docker.exists():
        pytest.skip("there is no /var/lib/docker: make engine")
    with pytest.raises(verify.Failed, match="% free: docker image prune"):
        checks(docker, disk_percent=101).disk()


def test_metrics_carry_the_sentence_of_what_failed() -> None:
    text = verify.metrics({"web": (True, "fine"), "disk": (False, 'the disk of "/" is full')}, 0)
    assert 'km3net_check{check="web"} 1' in text
    assert 'km3net_check{check="disk"} 0' in text
    assert 'km3net_check_failure{check="disk",said="the disk of \'/\' is full"} 1' in text
    assert 'km3net_check_time_seconds{kind="quick"}' in text
