"""No database password is on a command line, and no access rule lets an account in without one."""

from pathlib import Path

import pytest

from seatrial.stack.database_access import without_password
from seatrial.stack.errors import UsageError
from seatrial.stack.postgres import cluster, database
from seatrial.stack.postgres.account import ServerUser


@pytest.mark.parametrize(
    ("url", "address", "password"),
    [
        ("postgresql://bob:p%40ss@db:5432/x", "postgresql://bob@db:5432/x", "p@ss"),
        ("postgresql://bob@db/x?password=p%26s&sslmode=require", "postgresql://bob@db/x?sslmode=require", "p&s"),
        ("postgresql://:pass@db/x", "postgresql://db/x", "pass"),
        ("postgresql://db/x", "postgresql://db/x", ""),
    ],
)
def test_the_password_is_taken_out_of_an_address(url: str, address: str, password: str) -> None:
    assert without_password(url) == (address, password)


@pytest.mark.parametrize("rule", ["local all all trust", "host all all 127.0.0.1/32 md5", "local all all peer map=x"])
def test_rules_without_a_password_are_replaced(tmp_path: Path, rule: str) -> None:
    file = tmp_path / "pg_hba.conf"
    file.write_text(f"# comment trust\nhost all all 127.0.0.1/32 scram-sha-256\n{rule}\n")

    cluster.require_passwords(tmp_path, ServerUser())

    rules = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert len(rules) == 3
    assert all(line.endswith("scram-sha-256") for line in rules)


def test_rules_that_need_a_password_are_kept(tmp_path: Path) -> None:
    text = "# comment trust\n\nhost seatrial bob 10.0.0.1/32 scram-sha-256\n"
    (tmp_path / "pg_hba.conf").write_text(text)

    cluster.require_passwords(tmp_path, ServerUser())

    assert (tmp_path / "pg_hba.conf").read_text() == text


@pytest.mark.parametrize(
    "url",
    ["postgresql://bob:pl4nted/x@db/y", "postgresql://[pl4nted-secret", "bob:pl4nted-secret@db", "mysql://b:pl4nted@h"],
)
def test_a_broken_address_is_not_quoted(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        database.check_url(url)

    assert "pl4nted" not in str(refused.value)
    assert database.VARIABLE in str(refused.value)
