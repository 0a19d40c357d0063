"""Check the images' packages for known vulnerabilities: `make audit DATABASE="FILE ..."`.

Works without network, on files that `docs/security.md` says how to download. Never calls a package
clean that it could not look up.

Exit codes: 0 no vulnerability that an update removes, 1 such vulnerabilities, 2 a database is
missing, unreadable or too old, 3 some packages could not be looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from auditing.bom import BomError, Package, packages
from auditing.debian import DebianTracker
from auditing.finding import Database, DatabaseError, Finding, Unjudged
from auditing.osv import OsvExport

#: Where `make images` writes bills of materials.
FOLDER = Path(__file__).resolve().parent / "sbom" / "built"
#: Which file covers which kind of packages.
NEEDED = {
    "deb": "Debian's security tracker",
    "pypi": "OSV's export PyPI/all.zip",
    "npm": "OSV's export npm/all.zip",
}


def opened(file: Path, *, days: float, now: datetime) -> Database:
    """Return the database in a file.

    Raises
    ------
    DatabaseError
        If it is missing, unreadable, or older than `days`.
    """
    if not file.is_file():
        raise DatabaseError(f"there is no database {file}; docs/security.md says how to get it")
    database: Database = (OsvExport if file.suffix == ".zip" else DebianTracker)(file)
    age = now - database.written
    if age > timedelta(days=days):
        raise DatabaseError(f"{file} is {age.days} days old, more than {days:g}; download it again")
    if age < timedelta(days=-1):
        raise DatabaseError(f"{file} is from the future ({database.written:%Y-%m-%d})")
    return database


def judged(
    wanted: set[Package], databases: Sequence[Database]
) -> tuple[list[Finding], list[Unjudged]]:
    """Return what the databases say about all packages.

    Raises
    ------
    DatabaseError
        If no database covers a kind of packages.
    """
    findings: list[Finding] = []
    unjudged: list[Unjudged] = []
    foreign = {package for package in wanted if not package.own}
    kinds = {package.kind for package in foreign}
    covered = frozenset[str]().union(*(database.kinds for database in databases))
    missing = [NEEDED[kind] for kind in NEEDED if kind in kinds - covered]
    if missing:
        raise DatabaseError(f"no database for some packages; name {' and '.join(missing)}, too")
    for database in databases:
        found, open_ = database.check(p for p in foreign if p.kind in database.kinds)
        findings += found
        unjudged += open_
    unknown = sorted(package for package in foreign if package.kind not in NEEDED)
    unjudged += [
        Unjudged(package, "no database covers packages of this kind") for package in unknown
    ]
    return findings, unjudged


def listed(heading: str, lines: Sequence[str]) -> None:
    """Print a heading with lines below it, if there are any."""
    if lines:
        click.echo(f"\n{heading} ({len(lines)}):")
        for line in sorted(set(lines)):
            click.echo(f"  {line}")


@click.command()
@click.argument("databases", nargs=-1, type=click.Path(path_type=Path))
@click.option("--bom", "boms", multiple=True, type=click.Path(path_type=Path),
              help="A bill of materials; default: those of the images built here.")  # fmt: skip
@click.option("--days", default=7.0, show_default=True, help="How old a database may be.")
def main(databases: tuple[Path, ...], boms: tuple[Path, ...], days: float) -> None:
    """Check packages for known vulnerabilities."""
    now = datetime.now(UTC)
    try:
        files = boms or tuple(sorted(FOLDER.glob("*.cdx.json")))
        if not files:
            raise BomError(f"there are no bills of materials in {FOLDER}; run: make images")
        wanted = set().union(*(packages(file) for file in files))
        findings, unjudged = judged(
            wanted, [opened(file, days=days, now=now) for file in databases]
        )
    except (BomError, DatabaseError) as error:
        click.echo(f"make audit: nothing was checked: {error}", err=True)
        sys.exit(2)
    fixable = [finding for finding in findings if finding.fixed]
    click.echo(f"{len(wanted)} packages of {', '.join(f.name.split('.')[0] for f in files)}")
    listed(
        "An update removes these",
        [f"{f.package}: {f.advisory}, fixed in {f.fixed}" for f in fixable],
    )
    listed(
        "Known, without an update",
        [f"{f.package}: {f.advisory} {f.note}".rstrip() for f in findings if not f.fixed],
    )
    listed("Could not be looked up", [f"{entry.package}: {entry.why}" for entry in unjudged])
    listed("The platform's own, in no database", [str(p) for p in wanted if p.own])
    if fixable:
        click.echo(f"\n{len({f.package for f in fixable})} packages need an update.", err=True)
        sys.exit(1)
    if unjudged:
        click.echo("\nNot all packages could be looked up, see above.", err=True)
        sys.exit(3)
    click.echo("\nNo known vulnerability that an update removes.")


if __name__ == "__main__":
    main()
