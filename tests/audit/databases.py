"""Small databases in the formats of Debian's security tracker and of OSV, written by hand.

The advisories are real; of each only what the formats require is kept.
"""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOW = datetime.now(UTC)

#: https://security-tracker.debian.org/tracker/data/json
TRACKER: dict[str, Any] = {
    "glibc": {
        "CVE-2024-2961": {
            "description": "The iconv() function may overflow the output buffer",
            "scope": "local",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "2.36-9+deb12u6",
                             "urgency": "not yet assigned"},
                "trixie": {"status": "resolved", "fixed_version": "2.37-18",
                           "urgency": "not yet assigned"},
            },
        },
        "CVE-2019-1010022": {
            "description": "stack guard protection bypass", "scope": "local",
            "releases": {"bookworm": {"status": "open", "urgency": "unimportant"}},
        },
    },
    "xz-utils": {
        "CVE-2024-3094": {
            "description": "Malicious code was discovered in the upstream tarballs",
            "scope": "remote",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
            },
        }
    },
    "tiff": {
        "CVE-2099-0001": {
            "releases": {"bookworm": {"status": "undetermined", "urgency": "not yet assigned"}},
        }
    },
}  # fmt: skip


def advisory(identifier: str, ecosystem: str, name: str, **affected: Any) -> dict[str, Any]:
    """A record of OSV."""
    modified = affected.pop("modified", NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
    withdrawn = affected.pop("withdrawn", None)
    return {
        "schema_version": "1.7.0", "id": identifier, "modified": modified,
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, **affected}],
        **({"withdrawn": withdrawn} if withdrawn else {}),
    }  # fmt: skip


def ecosystem_range(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"ranges": [{"type": kind, "events": list(events)}]}


PYPI = [
    # GHSA-h5c8-rqwp-cp95: Jinja2 before 3.1.3.
    advisory("GHSA-h5c8-rqwp-cp95", "PyPI", "Jinja2",
             **ecosystem_range({"introduced": "0"}, {"fixed": "3.1.3"})),
    # Two branches with a fix each; events in no order, as OSV allows.
    advisory("GHSA-two-branches", "PyPI", "zope.interface",
             **ecosystem_range({"fixed": "5.0.2"}, {"introduced": "5.0"}, {"introduced": "0"},
                               {"fixed": "4.9"})),
    advisory("PYSEC-last-affected", "PyPI", "mistune",
             **ecosystem_range({"introduced": "2.0.0"}, {"last_affected": "2.0.4"})),
    advisory("PYSEC-listed", "PyPI", "ctx", versions=["0.2.2", "0.2.6"]),
    advisory("PYSEC-commits-only", "PyPI", "unclear",
             **ecosystem_range({"introduced": "0"}, kind="GIT")),
    advisory("PYSEC-withdrawn", "PyPI", "healthy", withdrawn="2024-01-01T00:00:00Z",
             **ecosystem_range({"introduced": "0"})),
]  # fmt: skip
NPM = [
    # GHSA-c2qf-rxjj-qqgw: semver before 7.5.2.
    advisory("GHSA-c2qf-rxjj-qqgw", "npm", "semver",
             **ecosystem_range({"introduced": "7.0.0"}, {"fixed": "7.5.2"}, kind="SEMVER")),
    advisory("GHSA-scoped", "npm", "@babel/traverse",
             **ecosystem_range({"introduced": "0"}, {"fixed": "7.23.2"}, kind="SEMVER")),
]  # fmt: skip


def tracker(folder: Path, content: Any = None) -> Path:
    file = folder / "debian.json"
    file.write_text(json.dumps(TRACKER if content is None else content))
    return file


def export(folder: Path, name: str, records: list[dict[str, Any]]) -> Path:
    file = folder / f"{name}.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return file


def component(purl: str, **properties: str) -> dict[str, Any]:
    url, _, version = purl.split("?", maxsplit=1)[0].rpartition("@")
    name = url.rpartition("/")[2]
    return {
        "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl,
        "properties": [{"name": k.replace("_", ":"), "value": v} for k, v in properties.items()],
    }  # fmt: skip


def bom(folder: Path, *components: dict[str, Any], name: str = "stack") -> Path:
    file = folder / f"{name}.cdx.json"
    file.write_text(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "components": list(components),
    }))  # fmt: skip
    return file
