"""Checks of the web server: answers and certificates."""

from __future__ import annotations

import os
import socket
import ssl
import time

from km3host.programs import run
from km3host.verify.failure import CheckFailed
from km3host.verify.settings import VerifySettings

__all__ = ["certificates", "web"]

DAY = 86400
#: Seconds within which the web server must answer.
TIMEOUT = 20
#: OpenSSL's X509_V_ERR_* for a certificate whose issuer is not trusted.
_UNKNOWN_ISSUER = {18, 19, 20, 21}


def web(settings: VerifySettings) -> str:
    """Hub and portal answer under their names, and http redirects to https."""
    for name, path in settings.web.items():
        status = _status(f"{settings.scheme}://{name}{path}", settings.port)
        if status != "200":
            raise CheckFailed(
                f"{name}{path} answers {status} instead of 200: see journalctl -u caddy and"
                f" docker logs {settings.project}-proxy"
            )
        if settings.tls and _status(f"http://{name}/", settings.http) != "308":
            raise CheckFailed(f"http://{name} does not redirect to https: run the playbook site")
    return f"{', '.join(settings.web)} answer"


def _status(address: str, port: int) -> str:
    """Return the HTTP status of an address, asked of this machine itself; 000: no answer."""
    output = ["--silent", "--insecure", "--output", os.devnull, "--write-out", "%{http_code}"]
    where = ["--connect-to", f"::127.0.0.1:{port}", "--max-time", str(TIMEOUT)]
    return run("curl", *output, *where, address).stdout


def certificates(settings: VerifySettings) -> str:
    """Certificates are valid for their names, and for some time to come."""
    if not settings.tls:
        return "the site's proxy has the certificates"
    names = [*settings.web, *([settings.users_name] if settings.users_name else [])]
    shortest = min(_seconds_left(settings, name) for name in names)
    return f"certificates are valid for {_duration(shortest)}"


def _seconds_left(settings: VerifySettings, name: str) -> float:
    context = ssl.create_default_context(cafile=settings.authority or None)
    if settings.authority:
        context.load_default_certs()
    try:
        with (
            socket.create_connection(("127.0.0.1", settings.port), TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            certificate = connection.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        advice = "journalctl -u caddy shows why it was not renewed"
        if error.verify_code in _UNKNOWN_ISSUER:
            advice = "if your own authority issued it, write verify_authority"
        raise CheckFailed(
            f"the certificate of {name} is not valid ({error.verify_message}): {advice}"
        ) from None
    except OSError as error:
        raise CheckFailed(
            f"{name} does not answer by https ({error}): see journalctl -u caddy"
        ) from None
    left = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
    if left < settings.certificate_days * DAY:
        raise CheckFailed(
            f"the certificate of {name} expires in {_duration(left)}: journalctl -u caddy shows"
            " why it was not renewed (with proxy_tls: files, renew it and run the playbook site)"
        )
    return left


def _duration(seconds: float) -> str:
    return f"{seconds / DAY:.0f} days" if seconds > 2 * DAY else f"{seconds / 3600:.0f} hours"
