"""The check that a user can work; it runs `km3host visit` in the hub's image."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from km3host.programs import run
from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings

__all__ = ["visit"]

#: The public certificate authorities on Debian and on AlmaLinux.
AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
)
BUNDLE = Path("/etc/km3net/authorities.pem")
#: Seconds after which a visit is given up.
TIMEOUT = 900


def visit(settings: VerifySettings) -> str:
    """A user can log in, start a server of each environment and run a cell."""
    image = f"km3net/hub:{settings.images['km3net/hub'].tag}"
    port = "" if settings.port in (80, 443) else f":{settings.port}"
    plan = {
        "address": f"{'https' if settings.tls else 'http'}://{settings.hub}{port}",
        "name": settings.account,
        "site_proxy": settings.site_proxy,
        **_credentials(settings),
        "environments": list(settings.environments),
    }
    _write_authorities(settings)
    # The program file itself: it has all that the visit needs beside httpx and tornado.
    program = Path(sys.argv[0]).resolve()
    done = run(
        "docker", "run", "--rm", "--interactive", "--network=host", "--read-only",
        "--cap-drop=ALL", "--add-host", f"{settings.hub}:127.0.0.1",
        "--env", "SSL_CERT_FILE=/authorities.pem",
        "--volume", f"{BUNDLE}:/authorities.pem:ro", "--volume", f"{program}:/km3host.pyz:ro",
        image, "python", "/km3host.pyz", "visit", text=json.dumps(plan), timeout=TIMEOUT,
    )  # fmt: skip
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no reason given"]
        reason = lines[-1].removeprefix("km3host: ")
        raise CheckFailed(f"a user cannot work: {reason} (see docker logs {settings.project}-hub)")
    return f"{settings.account} ran a cell in {', '.join(settings.environments)}"


def _credentials(settings: VerifySettings) -> dict[str, str]:
    """Return the check account's password, or the hub's own token for it."""
    if settings.login == "oidc":
        return {"token": (Path(settings.state) / "secret-verify").read_text().strip()}
    return {"password": (Path(settings.folder) / "secrets/check-password").read_text().strip()}


def _write_authorities(settings: VerifySettings) -> None:
    public = [path for path in AUTHORITIES if path.exists()]
    if not public:
        raise CheckFailed("there are no public certificate authorities: install ca-certificates")
    text = public[0].read_text()
    if settings.authority:
        text += Path(settings.authority).read_text()
    BUNDLE.write_text(text)
    BUNDLE.chmod(0o644)
