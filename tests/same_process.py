"""Tests of many subjects share a process: each file leaves it as it found it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(scope="module", autouse=True)
def same_process() -> Iterator[None]:
    """Undo what the tests of a file changed for the whole process.

    Commands that tests call in this process configure logging and complete the environment, as
    they do for themselves; the next file would find that, or not, by the order of the files.
    """
    environment, folder, mask = dict(os.environ), os.getcwd(), os.umask(0o022)
    os.umask(mask)
    events, root = structlog.get_config(), logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    yield
    for name in {*os.environ, *environment} - {"PYTEST_CURRENT_TEST"}:
        if name not in environment:
            del os.environ[name]
        elif os.environ.get(name) != environment[name]:
            os.environ[name] = environment[name]
    os.chdir(folder)
    os.umask(mask)
    structlog.configure(**events)
    for handler in root.handlers[:]:
        # pytest exchanges its own for each step of each test.
        if handler not in handlers and not type(handler).__module__.startswith("_pytest"):
            root.removeHandler(handler)
    root.setLevel(level)
    logging.disable(disabled)
