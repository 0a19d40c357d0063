"""Users of several machines: where they are, and whether their kernels are still reached."""

from __future__ import annotations

import uuid

import httpx
from websockets.exceptions import WebSocketException

from deploy.tests.several.conftest import Platform
from tests.e2e.platforms import Person
from tests.e2e.servers import CellError, Kernel, start_server, stop_server


def user_on(platform: Platform, machine: str) -> Person:
    """A user whose home comes to a machine; those who come elsewhere stop again."""
    for _ in range(4):
        # Nobody who has a home already, as of an earlier run of the tests.
        person = platform.person(f"of{machine}{uuid.uuid4().hex[:6]}")
        start_server(person)
        if platform.machine_of(person.name) == machine:
            return person
        stop_server(person)
    raise AssertionError(f"nobody's server starts on {machine}")


def starts(person: Person) -> bool:
    """Whether somebody's server starts now."""
    try:
        start_server(person)
    except AssertionError as error:
        print(error)
        return False
    return True


def still_kept(kernel: Kernel) -> bool:
    """Whether a kernel is reached, and has its memory; while hub or proxy start it is not."""
    try:
        return kernel.run("print(kept)", timeout=10).strip() == "42"
    except (OSError, TimeoutError, httpx.HTTPError, WebSocketException) as error:
        print(f"not reached: {error!r}")
        return False
    except CellError as error:
        raise AssertionError("the kernel lost its memory") from error
