"""The checks of a machine say in sentences what is wrong."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from km3host.cli import cli
from km3host.configuration import parse
from km3host.verify import files, web
from km3host.verify.failure import CheckFailed
from km3host.verify.report import Finding, as_metrics, check
from km3host.verify.settings import VerifySettings
from tests.deploy.sources import module

certificates = module("tests/certificates.py")

#: As the playbook writes it.
USUAL: dict[str, Any] = {
    "folder": "/opt/km3net", "project": "km3net", "login": "accounts", "state": "/state",
    "hub": "hub.test", "web": {"hub.test": "/hub/health"}, "scheme": "https", "tls": True,
    "site_proxy": False, "http": 80, "port": 443, "authority": "", "certificate_days": 14,
    "disk_percent": 10, "backup": True, "backup_hours": 30, "units": ["docker"],
    "services": ["hub"], "account": "check", "environments": ["stack"],
}  # fmt: skip


def settings(**given: Any) -> VerifySettings:
    return parse(USUAL | given, VerifySettings, source="the tests")


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


def certificate_message(
    folder: Path, *, days: int, name: str = "hub.test", own: bool = True
) -> str:
    """The message about a certificate that expires after this many days."""
    authority = certificates.Authority(folder)
    with https_server(*authority.issue("hub", ["hub.test"], days)) as port:
        given = settings(web={name: "/"}, port=port, authority=str(authority.file) if own else "")
        return web.certificates(given)


def test_certificate_with_time_left_is_good(tmp_path: Path) -> None:
    assert certificate_message(tmp_path, days=29) in {
        "certificates are valid for 29 days",
        "certificates are valid for 28 days",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"days": 5}, "expires in 5 days"),
        ({"days": -1}, "certificate has expired"),
        ({"days": 29, "name": "other.test"}, "not valid"),
        ({"days": 29, "own": False}, "write verify_authority"),
    ],
    ids=["soon", "expired", "other-name", "unknown-authority"],
)
def test_certificate_that_browsers_refuse_is_reported(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(CheckFailed, match=words):
        certificate_message(tmp_path, **given)


def test_machine_without_a_web_server_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CheckFailed, match="does not answer by https"):
        web.certificates(settings(port=port))
    with pytest.raises(CheckFailed, match="answers 000 instead of 200"):
        web.web(settings(port=port))


@pytest.mark.skipif(os.geteuid() != 0, reason="files must be root's: run the tests as root")
def test_secret_that_others_can_read_is_reported(tmp_path: Path) -> None:
    for name in ("secrets", "compose", "state"):
        (tmp_path / name).mkdir()
    given = settings(folder=str(tmp_path), state=str(tmp_path / "state"))
    own = [tmp_path / "secrets" / "proxy-token", tmp_path / "compose" / ".env"]
    hubs = tmp_path / "state" / "secret-oidc-client"
    for path in (*own, hubs):
        path.write_text("x")
        path.chmod(0o600)
    os.chown(hubs, 1000, 1000)
    assert files.secrets(given) == "only root can read the secrets"
    for path in (own[0], hubs):
        path.chmod(0o640)
        with pytest.raises(CheckFailed, match=rf"others can read .*{path.name}: chmod 600"):
            files.secrets(given)
        path.chmod(0o600)
    os.chown(own[0], 1000, 1000)
    with pytest.raises(CheckFailed, match="others can read"):
        files.secrets(given)


def test_full_disk_is_reported() -> None:
    docker = Path("/var/lib/docker")
    if not docker.exists():
        pytest.skip("there is no /var/lib/docker: make engine")
    with pytest.raises(CheckFailed, match="% free: docker image prune"):
        files.disk(settings(folder=str(docker), disk_percent=101))


def test_old_backup_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = tmp_path / "done"
    monkeypatch.setattr(files, "LAST_BACKUP", stamp)
    with pytest.raises(CheckFailed, match="run the playbook backup"):
        files.backup(settings())
    stamp.touch()
    assert files.backup(settings()) == "the last backup is 0 hours old"
    day_before = stamp.stat().st_mtime - 72 * 3600
    os.utime(stamp, (day_before, day_before))
    with pytest.raises(CheckFailed, match="72 hours old"):
        files.backup(settings())
    assert files.backup(settings(backup=False)) == "backups are off"


@pytest.mark.parametrize(
    "text", ["", "{}", '{"images": []}', '{"images": {"km3net/hub": {"tag": 1, "id": "x"}}}'],
    ids=["empty", "no-images", "list", "number"],
)  # fmt: skip
def test_damaged_record_of_images_is_a_failed_check_and_no_traceback(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "images.json").write_text(text)
    (finding,) = check(settings(folder=str(tmp_path)), ["images"])
    assert not finding.ok
    assert "run the playbook site" in finding.message


def test_missing_file_is_a_failed_check_that_names_it(tmp_path: Path) -> None:
    (finding,) = check(settings(folder=str(tmp_path)), ["images"])
    reason = f"{tmp_path}/images.json: No such file or directory"
    assert finding.message == f"the check failed ({reason}): run the playbook site"


def test_metrics_carry_the_message_of_what_failed() -> None:
    text = as_metrics(
        [Finding("web", True, "fine"), Finding("disk", False, 'the disk of "/" is full')], 1.5
    )
    assert 'km3net_check{check="web"} 1' in text
    assert 'km3net_check{check="disk"} 0' in text
    assert 'km3net_check_failure{check="disk",said="the disk of \'/\' is full"} 1' in text
    assert 'km3net_check_seconds{kind="quick"} 1.5' in text
    assert 'km3net_check_time_seconds{kind="quick"}' in text


def test_command_exits_with_1_and_writes_metrics(tmp_path: Path) -> None:
    file, metrics = tmp_path / "verify.json", tmp_path / "km3net.prom"
    file.write_text(json.dumps(USUAL | {"folder": str(tmp_path), "disk_percent": 101}))
    command = ["verify", "--configuration", str(file), "--only", "disk", "--only", "images"]
    done = CliRunner().invoke(cli, [*command, "--textfile", str(metrics)])
    assert done.exit_code == 1
    assert [line.split()[:2] for line in done.output.splitlines()] == [
        ["FAILED", "disk:"],
        ["FAILED", "images:"],
    ]
    assert 'km3net_check{check="disk"} 0' in metrics.read_text()
    done = CliRunner().invoke(cli, [*command, "--json"])
    assert not json.loads(done.output)["disk"]["ok"]
