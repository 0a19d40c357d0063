"""How to use a record: a few lines for openkm3, pyvo and curl that work as they are."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from opendata.exports.addresses import absolute
from opendata.exports.catalogue import service, storage_path
from opendata.records.models import Version


@dataclass(frozen=True)
class Snippet:
    """Code to copy."""

    name: str
    title: str
    code: str


def snippets(version: Version) -> list[Snippet]:
    """Returns the snippets that make sense for a version of a record.

    The catalogue and the VO services have the current version only, so that an older one has its
    files only.
    """
    record = version.record
    if record.current is not None and record.current.number > version.number:
        return [_curl(version)]
    identifier = version.record.identifier
    server = absolute("").rstrip("/")
    lines = [
        "from openkm3.store import KM3Store",
        "",
        f'store = KM3Store("{server}")',
    ]
    if version.record.kind == "resource":
        lines += [f'data = store.get("{identifier}")', "data.show_metadata()"]
        if version.service:
            lines.append("events = data.get_dataframe()")
        elif version.ktype.startswith("km3.data.l4.lookup"):
            lines.append("value = data.lookup(-40, 2.0)  # declination, spectral index")
        elif version.ktype.startswith("km3.data.l4.function"):
            lines.append("value = data.evaluate(20)")
        elif version.files.all():
            lines.append("content = data.data")
    else:
        lines.append(f'store.list("{identifier}")')
    found = [Snippet("openkm3", "openkm3", "\n".join(lines))]
    places = service(version.service) if version.service else None
    if places and places.tap:
        tap, scs = (
            absolute(place) if place.startswith("vo/") else place
            for place in (places.tap or "", places.scs or "")
        )
        where = " WHERE nhit > 150" if "nhit" in version.annotation.paraminfo else ""
        query = f"SELECT * FROM {places.table}{where}"  # noqa: S608 - text to copy
        found.append(
            Snippet(
                "pyvo",
                "pyvo",
                "import pyvo\n\n"
                f'tap = pyvo.dal.TAPService("{tap}")\n'
                f'events = tap.search("{query}")\n\n'
                f'scs = pyvo.dal.SCSService("{scs}")\n'
                "near = scs.search(pos=(20, 30), radius=2)  # degrees",
            )
        )
    found.append(_curl(version))
    return found


def _curl(version: Version) -> Snippet:
    files = version.files.all()
    lines = [
        f"curl -L {_kept_as(file.name)} -C - {absolute(quote(storage_path(file)))}"
        for file in files
    ]
    if files:
        lines += ["sha256sum -c <<'END'", *(f"{file.sha256}  {file.name}" for file in files), "END"]
    else:
        lines = [f"curl {absolute(f'api/v1/records/{version.record.identifier}/')}"]
    return Snippet("curl", "curl", "\n".join(lines))


def _kept_as(name: str) -> str:
    """Returns curl's option for the name of the file; addresses write some names differently."""
    return "-O" if quote(name) == name else f"-o {shlex.quote(name)}"
