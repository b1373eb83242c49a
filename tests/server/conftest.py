"""Servers on the backends that the fault tests break; ``IMGCORE_FAULTS=all`` takes all four of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backends import NAMES, Backend, Outside
from tests.faults.programs import Program
from tests.faults.proxy import Proxy
from tests.server.visits import WITH_ADMIN
from tests.servers.imgcore_server import ImgcoreServer

EVERYWHERE = "IMGCORE_FAULTS" in os.environ
ON = NAMES if EVERYWHERE else ("sqlite-folder", "postgresql-s3")


# What a test asks for is there on some of them only.
NEEDS = {"database": "postgresql-", "database_file": "sqlite-", "store": "-s3", "folder": "-folder"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a backend on each that has what the test asks for besides."""
    asked = metafunc.fixturenames
    if "backend" in asked:
        parts = [part for fixture, part in NEEDS.items() if fixture in asked]
        wanted = [name for name in ON if all(part in name for part in parts)]
        metafunc.parametrize("backend", wanted, indirect=True, scope="session")


@pytest.fixture(scope="session")
def outside(request: pytest.FixtureRequest) -> Outside:
    """The servers outside; mark the test ``xdist_group("faults")``, so that one worker starts them."""
    return Outside(lambda: request.getfixturevalue("postgres"), lambda: request.getfixturevalue("seaweedfs"))


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest, outside: Outside) -> Iterator[Backend]:
    """An empty place for rows and pictures, behind proxies."""
    with outside.backend(request.param) as made:
        yield made


@pytest.fixture(scope="session")
def broken(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImgcoreServer]:
    """The server whose surroundings are broken."""
    with ImgcoreServer(tmp_path_factory.mktemp("s"), kind="serve", env=WITH_ADMIN | backend.env) as server:
        yield server
        print(f"--- {backend.name}\n{server.last_lines()}")


@pytest.fixture
def program(broken: ImgcoreServer) -> Iterator[Program]:
    """A program that has signed in there."""
    with Program(broken.url) as program:
        yield program.sign_in()


@pytest.fixture
def store(backend: Backend) -> Proxy:
    """What stands before the store."""
    assert backend.store is not None
    return backend.store


@pytest.fixture
def database(backend: Backend) -> Proxy:
    """What stands before the database."""
    assert backend.database is not None
    return backend.database


@pytest.fixture
def database_file(broken: ImgcoreServer) -> Path:
    """The file of the database."""
    return broken.folder / "data" / "imgcore.sqlite3"
