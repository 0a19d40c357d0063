"""What `make images` says and does before an engine is involved."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.images.container import ROOT

sys.path.insert(0, str(ROOT / "images"))
from building import certificates, recipes, steps

from tests.commands import run

CLASSIC = """Sending build context to Docker daemon  1.2MB
Step 1/4 : ARG BASE=x
Step 2/4 : FROM ${BASE}
 ---> 0a7292a38485
Step 3/4 : RUN   apt-get   update
 ---> Using cache
Step 4/4 : COPY a b
 ---> 1234
Successfully built 1234
"""
KIT = """#1 [internal] load build definition from Dockerfile
#1 DONE 0.1s
#4 [libraries 1/3] FROM docker.io/library/base
#4 CACHED
#5 [2/3] RUN one
#6 [wheel 3/3] RUN two
#6 0.5 some output
#6 DONE 2.5s
#5 DONE 12.0s
"""


def authority(name: str) -> bytes:
    """A certificate in PEM form, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_parents_are_built_first_and_once() -> None:
    names = [recipe.name for recipe in recipes.in_order(["joint", "hub"])]
    assert names == ["base-system", "stack-libraries", "joint", "hub"]


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(recipes.RecipeError, match=r"no image 'jiont'.*base, stack, joint, hub"):
        recipes.in_order(["jiont"])


def copied(recipe: recipes.Recipe) -> list[str]:
    """The paths of this repository that a Dockerfile copies, its parents' not among them."""
    text = (ROOT / "images" / recipe.folder / "Dockerfile").read_text()
    if recipe.target:
        text = text.split("\n\n\nFROM")[0]
    return [
        word.rstrip("/")
        for line in text.splitlines()
        if line.startswith("COPY ") and "--from=" not in line
        for word in line.split()[1:-1]
        if not word.startswith("--")
    ]


def test_everything_that_an_image_copies_is_among_its_inputs() -> None:
    # The label `revision` is the last commit to these paths: one forgotten would make it lie.
    for recipe in recipes.RECIPES.values():
        inputs = recipes.all_inputs(recipe)
        for path in copied(recipe):
            assert any(path.startswith(part) for part in inputs), (recipe, path)


@pytest.mark.parametrize(
    ("folder", "images"),
    [
        ("platform/hub", {"hub"}),
        ("platform/settings", {"broker", "homes", "hub"}),
        ("platform/visitor", {"hub"}),
        ("platform/lab", {"stack", "joint"}),
        ("platform/nugamma", {"joint"}),
        ("platform/openkm3", {"stack", "joint", "opendata"}),
        ("platform/opendata", {"opendata"}),
        ("platform/pdf", {"stack", "joint"}),
        ("platform/tap", {"opendata"}),
        ("platform/launcher", set()),
        ("platform/host", set()),
        ("notebooks", {"stack", "joint"}),
    ],
)
def test_a_change_in_one_folder_rebuilds_only_the_images_that_run_it(
    folder: str, images: set[str]
) -> None:
    assert (ROOT / folder).is_dir()
    every = recipes.RECIPES.values()
    assert {recipe.name for recipe in every if folder in copied(recipe)} == images
    assert {recipe.name for recipe in every if folder in recipes.all_inputs(recipe)} == images


def test_no_image_contains_its_own_bill_of_an_earlier_build() -> None:
    """Otherwise the second build on a machine differs from the first, though nothing changed."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    bills = recipes.BILLS.relative_to(ROOT)
    every = recipes.RECIPES.values()
    holding = {recipe.name for recipe in every if "images/sbom" in copied(recipe)}
    assert "opendata" in holding
    for name in holding:
        assert str(bills / f"{name}.cdx.json") in ignored


def test_the_revision_distinguishes_two_states_of_uncommitted_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = run("git", *who, *words, cwd=tmp_path)
        return done.stdout.strip()

    monkeypatch.setattr(recipes, "ROOT", tmp_path)
    recipe = recipes.Recipe("hub", None, ("größe",), "hub")
    assert recipes.revision(recipe) == "unknown"
    file = tmp_path / "größe" / "a b.py"
    file.parent.mkdir()
    file.write_text("one")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "One")
    head = git("rev-parse", "HEAD")
    assert recipes.revision(recipe) == head
    (tmp_path / "elsewhere").write_text("not of this image")
    assert recipes.revision(recipe) == head
    states = set()
    for change in (lambda: file.write_text("two"), lambda: file.write_text("three"),
                   lambda: (file.parent / "ñ.py").write_text("new"),
                   lambda: (file.parent / "ñ.py").write_text("newer")):  # fmt: skip
        change()
        states.add(recipes.revision(recipe))
    assert len(states) == 4
    assert all(state.startswith(f"{head}-dirty-") for state in states)


def test_steps_of_the_classic_builder_are_read() -> None:
    found = [(step.number, step.what, step.cached) for step in steps.steps(CLASSIC.splitlines())]
    assert found == [
        ("2/4", "FROM ${BASE}", False),
        ("3/4", "RUN apt-get update", True),
        ("4/4", "COPY a b", False),
    ]


def test_steps_of_buildkit_are_read_though_they_interleave() -> None:
    found = [(step.what, step.seconds, step.cached) for step in steps.steps(KIT.splitlines())]
    assert found == [
        ("FROM docker.io/library/base", 0.0, True),
        ("RUN two", 2.5, False),
        ("RUN one", 12.0, False),
    ]


def test_only_authorities_beyond_the_public_ones_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "known.crt").write_bytes(authority("Public CA"))
    monkeypatch.setattr(certificates, "PUBLIC_FOLDER", public)
    bundle = tmp_path / "bundle.pem"
    known = (public / "known.crt").read_bytes()
    bundle.write_bytes(known + authority("Site CA of Nowhere"))
    folder = tmp_path / "certs"
    folder.mkdir()
    assert certificates.stage([bundle], folder) == ["Site CA of Nowhere"]
    (staged,) = folder.iterdir()
    assert staged.name.startswith("host-site-ca-of-nowhere-")


def test_an_authority_that_a_site_put_into_certifi_is_not_public(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = authority("Site CA of Nowhere")
    changed = tmp_path / "cacert.pem"
    changed.write_bytes(authority("Public CA") + site)
    monkeypatch.setattr("certifi.where", lambda: str(changed))
    source, folder = tmp_path / "site.crt", tmp_path / "certs"
    source.write_bytes(site)
    folder.mkdir()
    assert certificates.stage([source], folder) == ["Site CA of Nowhere"]


def test_an_authority_that_is_gone_is_removed_and_ones_put_there_by_hand_stay(
    tmp_path: Path,
) -> None:
    source = tmp_path / "site.crt"
    source.write_bytes(authority("Old CA"))
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "by-hand.crt").write_bytes(authority("Ours"))
    certificates.stage([source], folder)
    assert len(list(folder.iterdir())) == 2
    certificates.stage([], folder)
    assert [path.name for path in folder.iterdir()] == ["by-hand.crt"]


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    file = tmp_path / "not.pem"
    file.write_text("hello")
    with pytest.raises(certificates.CertificateError, match=r"not\.pem contains no certificates"):
        certificates.stage([file], tmp_path)


def test_without_an_engine_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(
        sys.executable,
        ROOT / "images/build.py",
        "base",
        status=1,
        env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "PATH": "/usr/local/bin:/usr/bin:/bin"},
    )
    assert "make engine" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
