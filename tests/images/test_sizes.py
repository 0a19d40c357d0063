"""What `km3-slim` removed, that nothing else broke by it, and how large the images are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.images.container import ENVIRONMENTS, Container, inspect

pytestmark = pytest.mark.docker

Idle = Callable[[str], Container]
PLACES = [(image, place[0]) for image, places in ENVIRONMENTS.items() for place in places]
#: Loads every compiled library of an environment, as the dynamic linker does for an import.
LOAD = """
import ctypes, os, pathlib, sys, sysconfig
root = pathlib.Path(sysconfig.get_path("purelib"))
number = 0
for file in sorted(root.rglob("*.so*")):
    if file.is_symlink() or file.read_bytes()[:4] != b"\\x7fELF":
        continue
    number += 1
    pid = os.fork()  # what one library does to the process is not the next one's trouble
    if pid == 0:
        try:
            ctypes.CDLL(str(file), os.RTLD_LAZY)
        except OSError as error:
            print(file.relative_to(root), error, flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
print(number)
"""
#: Their programs are not in the image, before and after: Intel's TBB and GNU's OpenMP for numba.
LACKING = ("libtbb.so.12: cannot open shared object", "libgomp.so.1.0.0: cannot open shared object")


@pytest.mark.parametrize(("image", "most"), [("stack", 1460), ("joint", 1500)])
def test_the_images_of_users_stay_small(image: str, most: int, need: Callable[[str], str]) -> None:
    assert inspect(need(image))["Size"] / 1e6 <= most


@pytest.mark.parametrize(("image", "prefix"), PLACES)
def test_every_compiled_library_loads(image: str, prefix: str, idle: Idle) -> None:
    *troubles, number = idle(image).python(prefix, LOAD).splitlines()
    assert [
        line
        for line in troubles
        if not line.endswith(LACKING) and not any(name in line for name in LACKING)
    ] == []
    assert int(number) > 0


@pytest.mark.parametrize(("image", "prefix"), PLACES)
def test_files_only_for_tests_and_compilers_are_removed(
    image: str, prefix: str, idle: Idle
) -> None:
    find = ("find", prefix, "-type", "f", "(", "-name", "*.js.map", "-o", "-name", "*.a", ")")
    assert idle(image).run(*find).stdout == ""
    languages = idle(image).run("find", prefix, "-path", "*/locale-data/*.dat", "-printf", "%f\\n")
    assert all(name.startswith(("root.", "en")) for name in languages.stdout.split())


def test_babel_still_knows_which_languages_there_are(idle: Idle) -> None:
    # JupyterLab asks it for the language of the interface.
    code = (
        "from jupyterlab_server.translation_utils import is_valid_locale as v, get_language_packs"
    )
    code += "; print(v('en'), v('de_DE'), get_language_packs())"
    assert idle("stack").python("/opt/lab", code).startswith("True False ({'en'")
