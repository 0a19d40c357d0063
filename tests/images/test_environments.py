"""The Python environments in the images against the locks of this checkout."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.images.container import ENVIRONMENTS, ROOT, Container

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
PLACES = [(image, *place) for image, places in ENVIRONMENTS.items() for place in places]
LIST = """
import importlib.metadata as m, json, site
own = site.getsitepackages()[:1]
print(json.dumps({d.metadata["Name"]: d.version for d in m.distributions(path=own)}))
"""
MARKERS = """
import json, os, platform, sys
print(json.dumps({
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}))
"""
# Needs nothing but the standard library: pip and pytest are not in every environment.
WITHOUT_BYTECODE = """
import importlib.util, pathlib, sys
for file in pathlib.Path(sys.prefix, "lib").rglob("site-packages/**/*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(str(file)))
    if not compiled.exists():
        try:
            compile(file.read_bytes(), str(file), "exec")
        except SyntaxError:
            continue  # a template or a file for another version of Python: never imported
        print("missing", file)
        continue
    head = compiled.read_bytes()[:16]
    fact = file.stat()
    if head[8:16] != int(fact.st_mtime).to_bytes(4, "little") + fact.st_size.to_bytes(4, "little"):
        print("stale", file)
"""


def locked(name: str, environment: dict[str, str]) -> dict[str, str]:
    """What the lock asks for in such an environment: name and version."""
    text = (ROOT / f"platform/locks/{name}.txt").read_text()
    pins = [Requirement(pin) for pin in re.findall(r"^(\S+==[^\\\n]+?)\s*\\?$", text, re.MULTILINE)]
    return {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize(("image", "prefix", "lock", "ours"), PLACES)
def test_an_environment_is_what_its_lock_says(
    image: str, prefix: str, lock: str, ours: set[str], idle: Idle
) -> None:
    container = idle(image)
    environment = json.loads(container.python(prefix, MARKERS))
    installed = {
        canonicalize_name(name): version
        for name, version in json.loads(container.python(prefix, LIST)).items()
    }
    assert ours <= installed.keys()
    wanted = locked(lock, environment)
    assert wanted
    assert {k: v for k, v in installed.items() if k not in ours} == wanted


@pytest.mark.parametrize(("image", "prefix", "lock", "ours"), PLACES)
def test_every_module_is_compiled_and_up_to_date(
    image: str, prefix: str, lock: str, ours: set[str], idle: Idle
) -> None:
    assert idle(image).python(prefix, WITHOUT_BYTECODE) == ""


def test_packages_in_both_locks_have_one_version(need: Callable[[str], str]) -> None:
    environment = {"python_version": "3.13", "python_full_version": "3.13.5"}
    stack, joint = locked("stack", environment), locked("joint", environment)
    assert {name: joint.get(name) for name in stack} == stack
