"""A portal in a temporary folder, in this process and as a server."""
# ruff: noqa: E402

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .postgresql import cluster

# Django reads its settings once: the folder has to be known before anything is imported.
_STATE = tempfile.mkdtemp(prefix="opendata-test-")
os.environ["OPENDATA_STATE"] = _STATE
os.environ["DJANGO_SETTINGS_MODULE"] = "opendata.settings"
os.environ["OPENDATA_HOSTS"] = "testserver"
# Playwright keeps an event loop in the main thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
for _name in ("OPENDATA_PUBLIC_URL", "DATABASE_URL", "OPENDATA_VO"):
    os.environ.pop(_name, None)
# OPENDATA_DATABASE=postgresql runs all tests of the portal on a PostgreSQL of their own, an address
# of a server on that one.
_CLUSTER = ExitStack()
if _database := os.environ.get("OPENDATA_DATABASE", ""):
    os.environ["DATABASE_URL"] = (
        _CLUSTER.enter_context(cluster()) if _database == "postgresql" else _database
    )

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from opendata.accounts.models import Token, User
from opendata.accounts.roles import Role

from .accounts import user
from .prepared import MIGRATE, SEED, prepared
from .running import Server, serve

SHARED = Path(__file__).parents[3] / "shared" / "data"
ANTARES = SHARED / "antares"


def pytest_sessionfinish() -> None:
    connection.close()
    _CLUSTER.close()
    shutil.rmtree(_STATE, ignore_errors=True)


@pytest.fixture(scope="session")
def _migrated() -> None:
    call_command("migrate", verbosity=0)


@pytest.fixture
def database(_migrated: None) -> Iterator[None]:
    """The database, as it was before when the test is over."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real hashes take a third of a second each, on purpose."""
    from django.contrib.auth import hashers

    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "iterations", 10)


@pytest.fixture
def curator(database: None) -> User:
    return user("cora", Role.CURATOR)


@pytest.fixture
def reviewer(database: None) -> User:
    return user("rené", Role.REVIEWER)


@pytest.fixture
def web(database: None) -> Client:
    return Client()


@pytest.fixture
def curators_web(curator: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {Token.issue(curator)}"})


@pytest.fixture
def reviewers_web(reviewer: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {Token.issue(reviewer)}"})


@pytest.fixture(scope="session")
def antares() -> Path:
    """The folder with the public ANTARES files."""
    if not (ANTARES / "ANTARES.data").exists():
        pytest.skip(f"needs ANTARES.data, acc.txt and background.txt in {ANTARES}")
    return ANTARES


@pytest.fixture(scope="session")
def antares_server(antares: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with the public ANTARES data."""
    variables = prepared(
        tmp_path_factory.mktemp("antares"), MIGRATE, ("import", "antares", str(antares))
    )
    with serve(variables) as server:
        yield server


@pytest.fixture(scope="session")
def seeded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with the demonstration data."""
    variables = prepared(tmp_path_factory.mktemp("seeded"), MIGRATE, SEED)
    with serve(variables) as server:
        yield server
