"""`make audit` finds known vulnerabilities and never calls clean what it could not look up."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.audit import databases
from tests.audit.databases import NPM, PYPI, bom, component, export, tracker
from tests.commands import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the command on a bill of materials; by default with all three databases."""

    def checked(*purls: str, files: list[Path] | None = None, days: str = "7") -> tuple[int, str]:
        content = bom(tmp_path, *(component(purl) for purl in purls))
        if files is None:
            files = [
                tracker(tmp_path),
                export(tmp_path, "pypi", PYPI),
                export(tmp_path, "npm", NPM),
            ]
        python = ROOT / ".venv" / "bin" / "python"
        command = [python, ROOT / "images/audit.py", "--bom", content, "--days", days, *files]
        done = run(*command, status=None)
        return done.returncode, done.stdout + done.stderr

    return checked


GLIBC = "pkg:deb/debian/libc6@{0}?arch=amd64&distro={1}&upstream=glibc%40{0}"

#: Package, and what is found: the advisory with its fix, or nothing.
CASES = {
    "binary of a source package, before the fix": (
        GLIBC.format("2.36-9%2Bdeb12u4", "bookworm"),
        "glibc 2.36-9+deb12u4 (deb): CVE-2024-2961, fixed in 2.36-9+deb12u6",
    ),
    "binary of a source package, with the fix": (GLIBC.format("2.36-9%2Bdeb12u10", "bookworm"), ""),
    "other release": (GLIBC.format("2.41-12", "trixie"), ""),
    "never affected": (
        "pkg:deb/debian/liblzma5@5.4.1-1?distro=bookworm&upstream=xz-utils%405.4.1-1", "",
    ),
    "Python, before the fix": (
        "pkg:pypi/jinja2@3.1.2", "jinja2 3.1.2 (pypi): GHSA-h5c8-rqwp-cp95, fixed in 3.1.3",
    ),
    "Python, candidate of the fix": ("pkg:pypi/jinja2@3.1.3rc1", "GHSA-h5c8-rqwp-cp95"),
    "Python, with the fix": ("pkg:pypi/jinja2@3.1.3", ""),
    "Python, with a patch after the fix": ("pkg:pypi/jinja2@3.1.10", ""),
    "first branch": ("pkg:pypi/zope-interface@4.8", "GHSA-two-branches, fixed in 4.9"),
    "between branches": ("pkg:pypi/zope-interface@4.9.1", ""),
    "second branch": ("pkg:pypi/zope-interface@5.0.1", "GHSA-two-branches, fixed in 5.0.2"),
    "after both branches": ("pkg:pypi/zope-interface@5.1", ""),
    "withdrawn": ("pkg:pypi/healthy@1.0", ""),
    "npm, before the fix": ("pkg:npm/semver@7.5.1", "GHSA-c2qf-rxjj-qqgw, fixed in 7.5.2"),
    "npm, not yet introduced": ("pkg:npm/semver@6.3.1", ""),
    "npm, candidate of the fix": ("pkg:npm/semver@7.5.2-rc.1", "GHSA-c2qf-rxjj-qqgw"),
    "npm, with a scope": ("pkg:npm/%40babel/traverse@7.23.0", "GHSA-scoped, fixed in 7.23.2"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_packages_are_judged_by_their_versions(
    audit: Callable[..., tuple[int, str]], case: str
) -> None:
    purl, words = CASES[case]
    code, said = audit(purl)
    open_only = "CVE-2019-1010022" in said
    assert code == (1 if words else 0), said
    assert words in said
    if not words:
        assert "An update removes these" not in said
        assert open_only == ("bookworm" in purl and "glibc" in purl)


def test_known_problems_without_an_update_are_listed(audit: Callable[..., tuple[int, str]]) -> None:
    code, said = audit(GLIBC.format("2.36-9%2Bdeb12u10", "bookworm"), "pkg:pypi/mistune@2.0.4",
                       "pkg:pypi/ctx@0.2.2")  # fmt: skip
    assert code == 0
    for words in ("CVE-2019-1010022 unimportant", "PYSEC-last-affected", "PYSEC-listed"):
        assert words in said.split("Known, without an update")[1]
    assert audit("pkg:pypi/mistune@2.0.5", "pkg:pypi/ctx@0.2.3")[1].count("PYSEC") == 0


UNKNOWN = {
    "release that the tracker does not cover": (
        GLIBC.format("2.31-1", "bullseye"), "does not cover the Debian release 'bullseye'",
    ),
    "no release": ("pkg:deb/debian/zlib1g@1.2.13", "does not cover the Debian release ''"),
    "undetermined": (
        "pkg:deb/debian/libtiff6@4.5?distro=bookworm&upstream=tiff%404.5", "has not determined",
    ),
    "version that is none": ("pkg:pypi/jinja2@of-today", "GHSA-h5c8-rqwp-cp95: "),
    "advisory with commits only": ("pkg:pypi/unclear@1.0", "names no versions"),
    "kind without a database": ("pkg:cargo/serde@1.0.0", "no database covers packages of this"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_cannot_be_looked_up_is_listed_and_not_clean(
    audit: Callable[..., tuple[int, str]], case: str
) -> None:
    purl, words = UNKNOWN[case]
    code, said = audit(purl, "pkg:pypi/jinja2@3.1.6")
    assert code == 3, said
    assert words in said.split("Could not be looked up (1):")[1]
    assert "No known vulnerability" not in said


def test_own_packages_are_named_apart(tmp_path: Path) -> None:
    own = component("pkg:pypi/jinja2@0.1.0", km3net_origin="platform")
    content = bom(tmp_path, own)
    command = [ROOT / ".venv/bin/python", ROOT / "images/audit.py", "--bom", content]
    done = run(*command, export(tmp_path, "pypi", PYPI))
    assert "jinja2 0.1.0" in done.stdout.split("The platform's own, in no database (1):")[1]


def damaged_zip(folder: Path) -> Path:
    file = export(folder, "pypi", PYPI)
    file.write_bytes(file.read_bytes()[:-30])
    return file


def zip_with_a_broken_record(folder: Path) -> Path:
    file = export(folder, "pypi", PYPI)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("GHSA-broken.json", '{"id": "GHSA-broken", "affected": [')
    return file


def old_export(folder: Path) -> Path:
    records = [dict(record, modified="2026-01-01T00:00:00Z") for record in PYPI]
    return export(folder, "pypi", records)


def old_tracker(folder: Path) -> Path:
    file = tracker(folder)
    then = (datetime.now(UTC) - timedelta(days=8)).timestamp()
    os.utime(file, (then, then))
    return file


def future_tracker(folder: Path) -> Path:
    file = tracker(folder)
    then = (datetime.now(UTC) + timedelta(days=400)).timestamp()
    os.utime(file, (then, then))
    return file


def page(folder: Path) -> Path:
    file = folder / "debian.json"
    file.write_text("<html>404 Not Found</html>")
    return file


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.json", "there is no database"),
    "damaged": (damaged_zip, "is not an export of OSV"),
    "one broken record": (zip_with_a_broken_record, "is not an export of OSV"),
    "empty export": (lambda folder: export(folder, "pypi", []), "contains no advisories"),
    "other ecosystem": (
        lambda folder: export(folder, "go", [databases.advisory("GO-1", "Go", "x")]),
        "contains no advisories for Python or npm",
    ),
    "page of an error": (page, "is not a file of Debian's security tracker"),
    "empty tracker": (lambda folder: tracker(folder, {}), "contains no advisories"),
    "other JSON": (lambda folder: tracker(folder, {"a": [1]}), "is not a file of Debian's"),
    "old tracker": (old_tracker, "8 days old, more than 7; download it again"),
    "old export": (old_export, "days old, more than 7; download it again"),
    "from the future": (future_tracker, "is from the future"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_databases_that_cannot_be_trusted_are_refused(
    audit: Callable[..., tuple[int, str]], tmp_path: Path, case: str
) -> None:
    make, words = REFUSED[case]
    code, said = audit("pkg:pypi/jinja2@3.1.6", files=[make(tmp_path)])
    assert code == 2, said
    assert "nothing was checked" in said
    assert words in said
    assert "Traceback" not in said


def test_every_kind_of_package_needs_its_database(
    audit: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    purls = ("pkg:pypi/jinja2@3.1.6", "pkg:npm/semver@7.6.0", GLIBC.format("2.41-12", "trixie"))
    code, said = audit(*purls, files=[export(tmp_path, "pypi", PYPI)])
    assert code == 2
    assert "name Debian's security tracker and OSV's export npm/all.zip, too" in said
    assert audit(*purls, files=[])[0] == 2
    assert audit(*purls)[0] == 0


def test_older_databases_are_accepted_where_days_says_so(
    audit: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    purl = GLIBC.format("2.41-12", "trixie")
    assert audit(purl, files=[old_tracker(tmp_path)], days="9")[0] == 0


@pytest.mark.parametrize(
    "text", ["", "{}", '{"bomFormat": "SPDX", "components": []}',
             '{"bomFormat": "CycloneDX", "components": [{"name": "no-purl"}]}'],
)  # fmt: skip
def test_other_files_are_no_bills_of_materials(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stack.cdx.json"
    file.write_text(text)
    python = ROOT / ".venv" / "bin" / "python"
    done = run(python, ROOT / "images/audit.py", "--bom", file, tracker(tmp_path), status=2)
    assert "is not a bill of materials" in done.stderr
