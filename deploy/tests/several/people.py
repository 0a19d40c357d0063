"""Users of several machines: their machines, and whether their kernels still respond."""

from __future__ import annotations

import uuid

import httpx
from websockets.exceptions import WebSocketException

from deploy.tests.several.conftest import Platform
from tests.e2e.platforms import Person
from tests.e2e.servers import CellError, Kernel, start_server


def user_on(platform: Platform, machine: str) -> Person:
    """A new user whose home is on a machine, and whose server runs there."""
    person = platform.person(f"of{machine}{uuid.uuid4().hex[:6]}")
    note = ("km3hub", "hosts", "note", machine, person.name)
    platform.machines["hub"].run("docker", "exec", "km3net-hub", *note)
    start_server(person)
    assert platform.machine_of(person.name) == machine
    return person


def starts(person: Person) -> bool:
    """Returns whether a person's server starts now."""
    try:
        start_server(person)
    except AssertionError as error:
        print(error)
        return False
    return True


def still_kept(kernel: Kernel) -> bool:
    """Returns whether a kernel responds with its memory intact; not while hub or proxy start."""
    try:
        return kernel.run("print(kept)", timeout=10).strip() == "42"
    except (OSError, TimeoutError, httpx.HTTPError, WebSocketException) as error:
        print(f"not reached: {error!r}")
        return False
    except CellError as error:
        raise AssertionError("the kernel lost its memory") from error
