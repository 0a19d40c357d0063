"""Images in a registry are signed as cosign does, and others are refused.

Debian's docker-registry and cosign, the engine and openssl do it for real.
"""

from __future__ import annotations

import json
import shutil
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from km3host.cli import cli
from km3host.registry import distribution
from tests.commands import run
from tests.deploy.sources import module
from tests.deploy.test_signatures import made
from tests.host.machines import docker
from tests.host.registries import KEY_PASSWORD, PASSWORD, Served, registry

image_signature = module("plugins/filter/signatures.py").image_signature
NAME = "km3net/stack"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, restic: None) -> Iterator[Served]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        found.cosign("generate-key-pair")
        made(found.folder, "site")
        made(found.folder, "other")
        yield found


@pytest.fixture(autouse=True)
def trusted(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the registry's certificate, as the role's task trust.yml sets it up."""
    monkeypatch.setenv("COSIGN_PASSWORD", KEY_PASSWORD)
    monkeypatch.setattr(distribution, "CERTIFICATES", tmp_path)
    folder = tmp_path / served.address
    folder.mkdir()
    shutil.copy(served.authority, folder / "ca.crt")


def ask(served: Served, command: str, digest: str, *words: str, name: str = NAME) -> Result:
    login = [f"--digest={digest}", f"--password-file={served.password_file}"]
    done = CliRunner().invoke(cli, ["registry", command, served.address, name, *login, *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert PASSWORD not in done.output
    return done


def verified(served: Served, digest: str, key: str, name: str = NAME) -> str:
    """What is wrong with a signature; empty: nothing."""
    done = ask(served, "verify", digest, f"--key={served.folder / key}", name=name)
    assert done.exit_code == bool("verified" not in done.output)
    return "" if done.exit_code == 0 else done.output


def sign(served: Served, digest: str, key: str, name: str = NAME) -> None:
    """Sign an image as the playbook does: claims, signature on the controller, attach."""
    command = ["registry", "claims", served.address, name, f"--digest={digest}"]
    text = CliRunner().invoke(cli, command).output
    signature = image_signature(text, served.folder / key)
    done = ask(served, "attach", digest, f"--signature={signature}", name=name)
    assert done.output == f"attached {digest}\n"


def cosign_signs(served: Served, digest: str, name: str = NAME) -> None:
    served.cosign(
        "sign", "--yes", "--key=cosign.key", "--tlog-upload=false",
        f"--registry-cacert={served.authority}", served.image(name, digest),
    )  # fmt: skip


def cosign_verifies(served: Served, digest: str, key: str) -> bool:
    done = served.cosign(
        "verify", f"--key={key}", "--insecure-ignore-tlog=true",
        f"--registry-cacert={served.authority}", served.image(NAME, digest), status=None,
    )  # fmt: skip
    return done.returncode == 0


def test_what_cosign_signed_is_verified_here(served: Served) -> None:
    digest = served.push(NAME)
    assert "is not signed; docs/operations.md" in verified(served, digest, "cosign.pub")
    cosign_signs(served, digest)
    assert verified(served, digest, "cosign.pub") == ""
    assert "signed with another key" in verified(served, digest, "site.pub")


def test_what_the_playbook_signed_is_verified_by_cosign(served: Served) -> None:
    digest = served.push(NAME)
    assert not cosign_verifies(served, digest, "site.pub")
    sign(served, digest, "site.key")
    assert cosign_verifies(served, digest, "site.pub")
    assert not cosign_verifies(served, digest, "other.pub")
    assert verified(served, digest, "site.pub") == ""


def test_signatures_of_several_people_stand_side_by_side(served: Served) -> None:
    first, second = served.push(NAME), served.push(NAME)
    cosign_signs(served, first)
    sign(served, first, "site.key")
    sign(served, second, "site.key")
    cosign_signs(served, second)
    for digest in (first, second):
        for key in ("site.pub", "cosign.pub"):
            assert cosign_verifies(served, digest, key)
            assert verified(served, digest, key) == ""


def test_signed_files_are_verified_in_both_directions(served: Served) -> None:
    """`cosign sign-blob`, for the archive."""
    signing = module("signing.py")
    verify = module("plugins/filter/signatures.py").problem
    index = served.folder / "images.json"
    index.write_text(json.dumps({"images": {}}))
    offline = "--insecure-ignore-tlog=true"
    for private, public in (("site.key", "site.pub"), ("cosign.key", "cosign.pub")):
        if private == "site.key" or shutil.which("cosign"):
            signing.sign(index, served.folder / private)
        else:
            output = f"--output-signature={index}.sig"
            made_by = ("sign-blob", "--yes", f"--key={private}", "--tlog-upload=false", output)
            served.cosign(*made_by, str(index))
        assert verify(index, served.folder / public) == ""
        given = (f"--key={public}", offline, f"--signature={index}.sig", str(index))
        served.cosign("verify-blob", *given)
        index.write_text(json.dumps({"images": {"added": private}}))
        assert served.cosign("verify-blob", *given, status=None).returncode != 0
        assert "does not match" in verify(index, served.folder / public)


# What somebody can do who has taken over the registry.


def stored(served: Served, path: str, *, kind: str) -> httpx.Response:
    with client(served) as browser:
        return browser.get(f"/v2/{path}", headers={"Accept": kind})


def client(served: Served) -> httpx.Client:
    context = ssl.create_default_context(cafile=served.authority)
    return httpx.Client(
        base_url=f"https://{served.address}", verify=context, auth=("km3net", PASSWORD)
    )


def tag(digest: str) -> str:
    return digest.replace(":", "-") + ".sig"


def replace(served: Served, name: str, digest: str, manifest: Any) -> None:
    """Store another signature object beside an image."""
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    with client(served) as browser:
        answer = browser.put(
            f"/v2/{name}/manifests/{tag(digest)}",
            content=content,
            headers={"Content-Type": distribution.MANIFEST},
        )
        assert answer.status_code == 201, answer.text


def signature_of(served: Served, name: str, digest: str) -> dict[str, Any]:
    found = stored(served, f"{name}/manifests/{tag(digest)}", kind=distribution.MANIFEST)
    return dict(found.raise_for_status().json())


def test_the_signature_of_another_image_does_not_count(served: Served) -> None:
    signed, hostile = served.push(NAME), served.push(NAME)
    sign(served, signed, "site.key")
    replace(served, NAME, hostile, signature_of(served, NAME, signed))
    assert "no signature of" in verified(served, hostile, "site.pub")
    assert not cosign_verifies(served, hostile, "site.pub")


def test_the_signature_of_an_image_does_not_count_for_another_name(served: Served) -> None:
    """Somebody could pass off one signed image as another one."""
    digest = served.push(NAME)
    sign(served, digest, "site.key")
    other = "km3net/firewall"
    with client(served) as browser:
        manifest = browser.get(
            f"/v2/{NAME}/manifests/{digest}",
            headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
        )
        found = signature_of(served, NAME, digest)
        for part in (manifest.json(), found):
            for blob in (part["config"], *part["layers"]):
                browser.post(
                    f"/v2/{other}/blobs/uploads/?mount={blob['digest']}&from={NAME}"
                ).raise_for_status()
        browser.put(
            f"/v2/{other}/manifests/{digest}",
            content=manifest.content,
            headers={"Content-Type": manifest.headers["Content-Type"]},
        ).raise_for_status()
    replace(served, other, digest, found)
    assert "no signature of" in verified(served, digest, "site.pub", name=other)
    assert verified(served, digest, "site.pub") == ""


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "MEUCIQD==", "-out /tmp/x", None])
def test_a_damaged_signature_does_not_count(served: Served, signature: str | None) -> None:
    digest = served.push(NAME)
    sign(served, digest, "site.key")
    manifest = signature_of(served, NAME, digest)
    manifest["layers"][0]["annotations"] = (
        {} if signature is None else {"dev.cosignproject.cosign/signature": signature}
    )
    replace(served, NAME, digest, manifest)
    assert "no signature of" in verified(served, digest, "site.pub")


def test_a_valid_signature_behind_damaged_ones_counts(served: Served) -> None:
    digest = served.push(NAME)
    sign(served, digest, "site.key")
    manifest = signature_of(served, NAME, digest)
    layer = manifest["layers"][0]
    damaged = layer | {"annotations": {"dev.cosignproject.cosign/signature": "AAAA"}}
    manifest["layers"] = [damaged, damaged, layer]
    replace(served, NAME, digest, manifest)
    assert verified(served, digest, "site.pub") == ""


def test_what_is_no_key_is_refused(served: Served, tmp_path: Path) -> None:
    digest = served.push(NAME)
    sign(served, digest, "site.key")
    rsa = served.folder / "rsa.pub"
    private = tmp_path / "rsa.key"
    run("openssl", "genrsa", "-out", private, "2048")
    run("openssl", "rsa", "-in", private, "-pubout", "-out", rsa)
    (served.folder / "empty.pub").touch()
    assert "missing: run the playbook site" in verified(served, digest, "none.pub")
    for key in ("rsa.pub", "empty.pub", "site.key", "images.json"):
        assert "is not a public key as cosign makes it" in verified(served, digest, key)


@pytest.mark.parametrize("digest", ["latest", "sha256:1", "sha256:" + "A" * 64, "../../x", ""])
def test_what_is_no_digest_is_refused(served: Served, digest: str) -> None:
    assert "is not a digest" in verified(served, digest, "site.pub")


def pull(served: Served, name: str, identifier: str, digest: str, key: str) -> Result:
    words = [f"{name}:1", identifier, f"--digest={digest}", f"--key={served.folder / key}"]
    login = f"--password-file={served.password_file}"
    return CliRunner().invoke(cli, ["registry", "pull", served.address, *words, login])


def present(reference: str) -> bool:
    return run("docker", "image", "inspect", reference, status=None).returncode == 0


def test_a_worker_pulls_no_image_that_is_not_signed(served: Served) -> None:
    digest = served.push(NAME)
    reference = served.image(NAME, digest)
    found = stored(
        served,
        f"{NAME}/manifests/{digest}",
        kind="application/vnd.docker.distribution.manifest.v2+json",
    )
    identifier = found.json()["config"]["digest"]
    for key in ("site.pub", "other.pub"):
        done = pull(served, NAME, identifier, digest, key)
        assert done.exit_code == 1
        assert "It was not used" in done.output
        assert not present(reference)
        if key == "site.pub":
            sign(served, digest, "site.key")
    try:
        assert pull(served, NAME, identifier, digest, "site.pub").output == f"pulled {digest}\n"
        assert present(reference)
        # Nor one that was pulled before signatures were asked for.
        assert pull(served, NAME, identifier, digest, "other.pub").exit_code == 1
    finally:
        docker("image", "rm", "--force", f"{served.address}/{NAME}:1", reference)


Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def hostile(served: Served, reply: Reply) -> Iterator[tuple[str, list[str]]]:
    """A server with the registry's certificate; yields its address and what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            reply(self)

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def log_message(self, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(served.authority, served.folder / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        folder = distribution.CERTIFICATES / address
        folder.mkdir()
        shutil.copy(served.authority, folder / "ca.crt")
        try:
            yield address, asked
        finally:
            server.shutdown()


def answer_with(status: int = 200, body: bytes = b"", more: dict[str, str] | None = None) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(more or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


DIGEST = f"sha256:{'0' * 64}"
LAYER = {
    "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
    "digest": DIGEST,
    "annotations": {"dev.cosignproject.cosign/signature": "AAAA"},
}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (endless, "more than 1048576 bytes"),
        (answer_with(body=b"[" * 200_000), "is not a manifest"),
        (answer_with(body=b"\xff\xfe"), "is not a manifest"),
        (answer_with(body=b"[1]"), "is not a manifest"),
        (answer_with(body=b'{"layers": 5}'), "is not signed"),
        (answer_with(body=b'{"layers": [null, 5, {"mediaType": []}]}'), "is not signed"),
        (answer_with(body=json.dumps({"layers": [LAYER]}).encode()), "has another digest"),
        (answer_with(500), "it answered 500"),
        (answer_with(302, more={"Location": "https://127.0.0.1:1/"}), "it answered 302"),
        (answer_with(401), "it answered 401"),
        (lambda handler: handler.connection.close(), "cannot use the registry"),
    ],
)  # fmt: skip
def test_a_hostile_registry_is_reported_in_a_sentence(
    served: Served, reply: Reply, words: str
) -> None:
    with hostile(served, reply) as (address, _):
        login = f"--password-file={served.password_file}"
        key = f"--key={served.folder / 'site.pub'}"
        command = ["registry", "verify", address, NAME, f"--digest={DIGEST}", login, key]
        done = CliRunner().invoke(cli, command)
    assert isinstance(done.exception, SystemExit), done.exception
    assert words in done.output
    assert PASSWORD not in done.output


def test_the_password_goes_to_no_other_server(served: Served) -> None:
    """A registry that was taken over sends an upload elsewhere."""
    seen: list[str] = []

    def listening(handler: BaseHTTPRequestHandler) -> None:
        seen.append(str(handler.headers.get("Authorization")))
        answer_with(201)(handler)

    with hostile(served, listening) as (elsewhere, _):
        for place in (f"https://{elsewhere}/v2/up?x=1", f"//{elsewhere}/v2/up"):

            def sends_away(handler: BaseHTTPRequestHandler, place: str = place) -> None:
                status = 202 if handler.command == "POST" else 404
                answer_with(status, more={"Location": place})(handler)

            with hostile(served, sends_away) as (address, asked):
                login = f"--password-file={served.password_file}"
                words = ["registry", "attach", address, NAME, f"--digest={DIGEST}", login]
                done = CliRunner().invoke(cli, [*words, "--signature=AAAA"])
            assert "sends uploads to another machine" in done.output
            assert len(asked) == 2
    assert seen == []


def test_a_certificate_of_another_authority_is_refused(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, private = tmp_path / served.address / "ca.crt", tmp_path / "other.key"
    run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-keyout", private, "-out", own, "-subj", "/CN=another",
    )  # fmt: skip
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(served.authority))
    said = verified(served, DIGEST, "site.pub")
    assert "cannot use the registry" in said
    assert "certificate verify failed" in said


def test_the_web_proxy_of_the_site_is_not_used(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert "is not signed" in verified(served, DIGEST, "site.pub")


def test_the_claims_are_those_of_cosign(served: Served) -> None:
    digest = served.push(NAME)
    cosign_signs(served, digest)
    (layer,) = signature_of(served, NAME, digest)["layers"]
    text = stored(served, f"{NAME}/blobs/{layer['digest']}", kind="*/*").text
    command = ["registry", "claims", served.address, NAME, f"--digest={digest}"]
    assert CliRunner().invoke(cli, command).output == text
