"""Archives of images are signed, and one that was changed is refused."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.commands import run
from tests.deploy.sources import DEPLOY, module

signing = module("signing.py")
verify = module("plugins/filter/signatures.py").problem
signing_problem = module("plugins/filter/signatures.py").signing_problem
WORD = "a-password-of-this-test"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A private key with a password and its public key, made as the documentation says."""
    monkeypatch.setenv("COSIGN_PASSWORD", WORD)
    return made(tmp_path, "site")


def made(folder: Path, name: str, curve: str = "prime256v1") -> tuple[Path, Path]:
    private, public, plain = (folder / f"{name}.{end}" for end in ("key", "pub", "plain"))
    run("openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", plain)
    run("openssl", "pkcs8", "-topk8", "-in", plain, "-out", private, "-passout", f"pass:{WORD}")
    run("openssl", "pkey", "-in", plain, "-pubout", "-out", public)
    return private, public


@pytest.fixture
def index(tmp_path: Path) -> Path:
    file = tmp_path / "images.json"
    file.write_text(json.dumps({"images": {"km3net/hub": {"id": "sha256:1", "sha256": "2"}}}))
    return file


def test_signed_archive_is_accepted_here_and_by_openssl(
    index: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    private, public = keys
    signing.sign(index, private)
    assert verify(index, public) == ""
    raw = tmp_path / "raw"
    raw.write_bytes(base64.b64decode(Path(f"{index}.sig").read_text()))
    run("openssl", "dgst", "-sha256", "-verify", public, "-signature", raw, index)


def test_changed_archive_is_refused(index: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    signing.sign(index, private)
    index.write_text(index.read_text().replace("sha256:1", "sha256:3"))
    assert "does not match its signature" in verify(index, public)


def test_signature_of_another_key_is_refused(
    index: Path, keys: tuple[Path, Path], tmp_path: Path
) -> None:
    signing.sign(index, keys[0])
    assert "signed with another key" in verify(index, made(tmp_path, "other")[1])


@pytest.mark.parametrize("content", ["", "not base64!", "AAAA", "MEUCIQD=="])
def test_damaged_signature_is_refused(index: Path, keys: tuple[Path, Path], content: str) -> None:
    Path(f"{index}.sig").write_text(content)
    assert "does not match its signature" in verify(index, keys[1])


def test_what_is_missing_is_named(index: Path, keys: tuple[Path, Path], tmp_path: Path) -> None:
    assert "is not signed. Sign it: make archive SIGN=FILE" in verify(index, keys[1])
    signing.sign(index, keys[0])
    for key in (tmp_path / "none.pub", keys[0]):
        assert f"{key} is not a public key as cosign makes it" in verify(index, key)
    index.unlink()
    assert "cannot be read" in verify(index, keys[1])


def test_keys_that_cannot_sign_are_refused(
    index: Path, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {
        tmp_path / "none.key": "cannot be read",
        keys[1]: "cannot be used",
        made(tmp_path, "wide", curve="secp384r1")[0]: "must be of the curve P-256",
    }
    for key, words in cases.items():
        with pytest.raises(signing.SigningError, match=words):
            signing.sign(index, key)
    monkeypatch.setenv("COSIGN_PASSWORD", "wrong")
    with pytest.raises(signing.SigningError, match="check the password"):
        signing.sign(index, keys[0])
    assert not Path(f"{index}.sig").exists()


def test_key_of_cosign_needs_cosign(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cosign"):
        pytest.skip("cosign is here: tests/host/test_image_signatures.py signs with it")
    monkeypatch.setenv("COSIGN_PASSWORD", WORD)
    key = tmp_path / "cosign.key"
    key.write_text("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    with pytest.raises(signing.SigningError, match="cosign is missing: install it"):
        signing.sign(index, key)


def test_keys_for_single_images_are_checked_before_anything_is_deployed(
    index: Path, keys: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = keys
    assert signing_problem(private, public) == ""
    assert "needs images_key" in signing_problem(private, "")
    assert "is not the private key of images_key" in signing_problem(
        private, made(tmp_path, "second")[1]
    )
    assert "is not a public key" in signing_problem(private, private)
    assert "cannot be read" in signing_problem(tmp_path / "none.key", public)
    monkeypatch.setenv("COSIGN_PASSWORD", "wrong")
    assert "check the password" in signing_problem(private, public)
    monkeypatch.delenv("COSIGN_PASSWORD")
    assert "set COSIGN_PASSWORD" in signing_problem(private, public)


def test_workers_verify_images_before_they_use_them() -> None:
    """Where images are signed: km3host refuses others (tests/host/test_image_signatures.py)."""
    tasks = DEPLOY / "roles/registry/tasks"
    (pull,) = (
        task
        for task in yaml.safe_load((tasks / "worker.yml").read_text())
        if task["name"].startswith("Pull the images")
    )
    command = pull["ansible.builtin.command"]["argv"]
    assert "(registry_verified | bool) | ternary(['--key=' ~ registry_public_key], [])" in command
    publish = (tasks / "publish.yml").read_text()
    assert publish.index("sign.yml") < publish.index("worker.yml")


def test_the_role_verifies_before_it_reads_the_archive() -> None:
    text = (DEPLOY / "roles/images/tasks/choose.yml").read_text()
    assert text.index("signature.yml") < text.index("images.json")
