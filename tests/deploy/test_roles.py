"""What is generated from the roles' specifications is current, and the specifications are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.sources import DEPLOY, module

ROLES = sorted(path.parents[1] for path in DEPLOY.glob("roles/*/meta/argument_specs.yml"))
#: Where a setting may be used.
USES = ("playbooks/*", *(f"roles/*/{k}/*" for k in ("tasks", "templates", "vars", "handlers")))
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def test_readmes_and_defaults_are_current() -> None:
    stale = [str(path.relative_to(DEPLOY)) for path in module("roles.py").stale()]
    assert stale == [], "run: deploy/.venv/bin/python deploy/roles.py"


def test_every_role_has_a_specification() -> None:
    assert sorted(p for p in DEPLOY.glob("roles/*") if p.is_dir()) == ROLES


@each_role
def test_settings_start_with_the_name_of_their_role(role: Path) -> None:
    options = module("roles.py").main_entry(role).get("options") or {}
    assert [name for name in options if not name.startswith(f"{role.name}_")] == []


@each_role
def test_every_setting_has_a_use(role: Path) -> None:
    options = module("roles.py").main_entry(role).get("options") or {}
    files = [p for kind in USES for p in DEPLOY.glob(kind) if p.is_file()]
    text = "\n".join(path.read_text() for path in files)
    assert [name for name in options if not re.search(rf"\b{name}\b", text)] == []


@each_role
def test_files_of_tasks_are_short(role: Path) -> None:
    lengths = {p.name: len(p.read_text().splitlines()) for p in role.glob("tasks/*.yml")}
    assert {name: length for name, length in lengths.items() if length > 60} == {}


@each_role
def test_defaults_have_the_types_of_their_settings(role: Path) -> None:
    """Ansible checks the types before it fills in a template, which is a text."""
    types = {"bool": bool, "int": int, "float": float, "list": list, "dict": dict}
    options = module("roles.py").main_entry(role).get("options") or {}
    wrong = [
        name
        for name, option in options.items()
        if option.get("default") is not None
        and not isinstance(option["default"], types.get(option.get("type", "str"), str))
    ]
    assert wrong == []


def conditional_imports(tasks: Any) -> Iterator[str]:
    """Yields the roles that are imported under a condition, in tasks and blocks."""
    for task in tasks or ():
        if "when" in task and "ansible.builtin.import_role" in task:
            yield task["ansible.builtin.import_role"]["name"]
        for part in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always"):
            inner = task.get(part) or ()
            if "when" in task:
                inner = [{"when": task["when"], **one} for one in inner]
            yield from conditional_imports(inner)


def test_no_condition_of_an_import_reaches_handlers() -> None:
    # Ansible applies it to the role's handlers, which may run before its variables are set.
    files = [*DEPLOY.glob("playbooks/**/*.yml"), *DEPLOY.glob("roles/*/tasks/*.yml")]
    found = {
        str(file.relative_to(DEPLOY)): roles
        for file in files
        if (roles := [
            role
            for role in conditional_imports(yaml.safe_load(file.read_text()))
            if (DEPLOY / "roles" / role / "handlers").exists()
        ])
    }  # fmt: skip
    assert found == {}, "use include_role"


def test_examples_set_only_what_exists() -> None:
    km3net = module("plugins/filter/km3net.py")
    known = km3net.specifications(str(DEPLOY / "roles"))
    for file in DEPLOY.glob("inventories/example-*/group_vars/all/*.yml"):
        assert km3net.unknown(yaml.safe_load(file.read_text()), known) == [], file
