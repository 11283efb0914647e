"""The roles of an embedded server: made for a folder of an earlier version, with passwords that are kept."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import database, role_passwords
from seatrial.stack.postgres.database import EmbeddedDatabase
from seatrial.stack.services import MIGRATION
from seatrial_service.db import roles

pytestmark = pytest.mark.system
FAST = {"fsync": "off"}


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedDatabase]:
    """Return a server as an earlier version left it: migrated by its owner, with a run stored and without roles."""
    running = EmbeddedDatabase(Layout(tmp_path), FAST)
    running.start()
    try:
        database.migrate(MIGRATION, running.url, {})
        with psycopg.connect(running.url) as connection:
            assert connection.execute("SELECT FROM pg_roles WHERE rolname LIKE 'seatrial\\_%'").fetchall() == []
            connection.execute(
                "INSERT INTO access.tokens (id, name, hash, scopes, created_at, created_by) "
                "VALUES ('kept', 'kept', 'kept', '[]', now(), 'me')"
            )
        yield running
    finally:
        running.stop()


def test_a_folder_of_an_earlier_version_gets_roles_and_keeps_its_rows(
    embedded: EmbeddedDatabase, tmp_path: Path
) -> None:
    for _ in range(2):
        database.migrate(MIGRATION, embedded.url, {}, embedded.role_passwords())

    file = Layout(tmp_path).postgres.resolve() / role_passwords.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for service in role_passwords.SERVICES:
        address = embedded.variables(service)["SEATRIAL_DATABASE_URL"]
        assert urlsplit(address).username == roles.role_name(service) == role_passwords.role_of(service)
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT name FROM access.tokens").fetchall() == [("kept",)]


def test_passwords_are_kept_until_their_file_is_deleted(embedded: EmbeddedDatabase, tmp_path: Path) -> None:
    first = embedded.role_passwords()
    assert embedded.role_passwords() == first
    database.migrate(MIGRATION, embedded.url, {}, first)

    (Layout(tmp_path).postgres.resolve() / role_passwords.FILE).unlink()
    second = embedded.role_passwords()
    database.migrate(MIGRATION, embedded.url, {}, second)

    assert set(first.values()) & set(second.values()) == set()
    psycopg.connect(embedded.variables("engine")["SEATRIAL_DATABASE_URL"]).close()


@pytest.mark.parametrize("text", ["", "[]", '{"engine": ""}', '{"engine": 1}'])
def test_a_damaged_file_of_passwords_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / role_passwords.FILE).write_text(text)

    with pytest.raises(StackError, match=r"role-passwords.json cannot be read. Delete it"):
        role_passwords.of_folder(tmp_path)


def test_every_service_role_has_a_password() -> None:
    assert {*role_passwords.SERVICES, "migrator"} == set(roles.CONNECTIONS)
    for service in role_passwords.SERVICES:
        assert roles.VARIABLES[service][0] == role_passwords.password_variable(service)
