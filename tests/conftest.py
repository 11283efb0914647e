"""Shared fixtures: a real Postgres with the real migrations, and a new database per test that asks for one."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from _pytest.reports import TestReport
from hypothesis import settings

from seatrial.stack.postgres.server import PostgresServer
from seatrial.stack.postgres.service_address import as_role
from seatrial_service.db import grants, roles, upgrade

TEMPLATE = "migrated"
PASSWORDS = {name: f"password-of-{name}" for name in roles.CONNECTIONS}
SERVICES = tuple(name for name in roles.CONNECTIONS if name != "migrator")

# In CI the examples are the same in every run; elsewhere Hypothesis looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
# `make test-all`: the laws of the fill kernel try thousands of examples (tests/unit/matching/invariants.py).
settings.register_profile("thorough", derandomize=bool(os.environ.get("CI")), deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, TestReport, TestReport]:
    """Report a skip as a failure where everything must be installed: a skip there hides a missing package."""
    report = yield
    if report.skipped and os.environ.get("SEATRIAL_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although SEATRIAL_REQUIRE_ALL=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A Postgres server of this test process."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = PostgresServer(folder, settings={"fsync": "off"})
    server.start()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> PostgresServer:
    """The server with a template database that the real migrations built."""
    postgres.create_database(TEMPLATE)
    upgrade.upgrade(postgres.url(TEMPLATE))
    roles.provision(postgres.url(TEMPLATE), roles.RoleRequest(PASSWORDS))
    return postgres


@pytest.fixture
def owner_url(migrated: PostgresServer) -> Iterator[str]:
    """The address of a migrated database that only this test uses, as its owner: for the test's own statements."""
    name = f"test_{uuid4().hex}"
    migrated.create_database(name, template=TEMPLATE)
    try:
        with psycopg.connect(migrated.url(name)) as connection:
            grants.close_database(connection, SERVICES)  # the rights on a database are not copied with a template
        yield migrated.url(name)
    finally:
        migrated.drop_database(name)


@pytest.fixture
def role_url(owner_url: str) -> Callable[[str], str]:
    """Return the address of the same database as the role of a service, as the service gets it in production."""
    return lambda service: as_role(owner_url, service, PASSWORDS[service])


@pytest.fixture
def database_url(owner_url: str, request: pytest.FixtureRequest) -> str:
    """The address for the service whose tests are in tests/services/<service>, as its role; elsewhere as the owner."""
    service = request.path.parent.name
    return as_role(owner_url, service, PASSWORDS[service]) if service in SERVICES else owner_url
