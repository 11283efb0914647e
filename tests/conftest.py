"""Shared fixtures: a real Postgres with the real migrations, and a new database per test that asks for one."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from _pytest.reports import TestReport
from hypothesis import settings

from seatrial.stack.postgres.server import PostgresServer
from seatrial_service.db import upgrade

TEMPLATE = "migrated"

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
    return postgres


@pytest.fixture
def database_url(migrated: PostgresServer) -> Iterator[str]:
    """The address of a migrated database that only this test uses."""
    name = f"test_{uuid4().hex}"
    migrated.create_database(name, template=TEMPLATE)
    try:
        yield migrated.url(name)
    finally:
        migrated.drop_database(name)
