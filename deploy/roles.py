"""Generate each role's README and defaults from its `meta/argument_specs.yml`.

deploy/.venv/bin/python deploy/roles.py           # write them
deploy/.venv/bin/python deploy/roles.py --check   # only list outdated ones
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent / "roles"
_HEADER = "# Generated from meta/argument_specs.yml by deploy/roles.py; change it there.\n---\n"


def main_entry(role: Path) -> dict[str, Any]:
    """Return a role's specification."""
    text = (role / "meta" / "argument_specs.yml").read_text()
    return dict(yaml.safe_load(text)["argument_specs"]["main"])


def paragraphs(described: str | list[str]) -> list[str]:
    """Return the paragraphs of a description."""
    return [described] if isinstance(described, str) else described


def defaults(entry: dict[str, Any]) -> str:
    """Return the text of `defaults/main.yml`; required settings have no default."""
    lines = [_HEADER.rstrip("\n")]
    for name, option in (entry.get("options") or {}).items():
        if "default" not in option:
            continue
        text = " ".join(paragraphs(option["description"]))
        lines += [f"# {line}" for line in textwrap.wrap(text, 96)]
        value = yaml.dump({name: option["default"]}, Dumper=_Dumper, width=96, sort_keys=False)
        lines += [value]
    return "\n".join(lines).rstrip("\n") + "\n"


class _Dumper(yaml.SafeDumper):
    """Indents the entries of a list below their key, as yamllint requires."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def readme(name: str, entry: dict[str, Any]) -> str:
    """Return the text of a role's README."""
    parts = [f"# {name}: {entry['short_description']}", *paragraphs(entry["description"])]
    options = entry.get("options") or {}
    if options:
        rows = ["| setting | default | meaning |", "|---|---|---|"]
        rows += [_row(setting, option) for setting, option in options.items()]
        parts.append("\n".join(rows))
    else:
        parts.append("It has no settings.")
    parts.append("Generated from `meta/argument_specs.yml` by `deploy/roles.py`; change it there.")
    return "\n\n".join(parts) + "\n"


def _row(setting: str, option: dict[str, Any]) -> str:
    meaning = " ".join(paragraphs(option["description"]))
    if "choices" in option:
        meaning += " One of: " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
    if option.get("required"):
        default = "*required*"
    else:
        value = option["default"]
        default = "`" + (yaml.safe_dump(value, default_flow_style=True, width=1000)
                         .removesuffix("...\n").strip().strip("'")) + "`"  # fmt: skip
        default = "" if value in ("", None) else default
    return f"| `{setting}` | {default} | {meaning} |".replace("|  |", "| |")


def texts() -> dict[Path, str]:
    """Return every generated file with its current text."""
    found = {}
    for file in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        role = file.parents[1]
        entry = main_entry(role)
        found[role / "README.md"] = readme(role.name, entry)
        if any("default" in option for option in (entry.get("options") or {}).values()):
            found[role / "defaults" / "main.yml"] = defaults(entry)
    return found


def stale() -> list[Path]:
    """Return the generated files that are outdated."""
    return [p for p, text in texts().items() if not p.exists() or p.read_text() != text]


def main() -> None:
    """Write the files, or with --check only list those that are outdated."""
    old = stale()
    if "--check" in sys.argv[1:]:
        for path in old:
            print(f"{path.relative_to(ROLES)} is outdated: run deploy/roles.py")
        sys.exit(1 if old else 0)
    for path in old:
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts()[path])
        print(f"wrote {path.relative_to(ROLES)}")


if __name__ == "__main__":
    main()
