"""Databases whose working folder was deleted: found, and deleted unless a server uses them."""

from pathlib import Path

import pytest

from seatrial.stack.postgres import old_databases
from seatrial.stack.postgres.server_folder import OWNER
from seatrial.stack.processes.lock import FileLock


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a folder with a database in use by its working folder, and three without one."""
    place = tmp_path / "shared"
    for name in ("linked", "first", "second", "third"):
        (place / name / "data").mkdir(parents=True)
        (place / name / OWNER).write_text(f"{tmp_path}/{name}/.seatrial/postgres\n")
    (tmp_path / "linked" / ".seatrial").mkdir(parents=True)
    (tmp_path / "linked" / ".seatrial" / "postgres").symlink_to(place / "linked")
    (place / "accounts").mkdir()
    return place


def test_every_database_without_a_working_folder_is_found(shared: Path) -> None:
    databases = old_databases.find(shared)

    assert [database.folder.name for database in databases] == ["first", "second", "third"]
    assert databases[0].former == shared.parent / "first" / ".seatrial" / "postgres"


def test_all_are_deleted_but_those_in_use(shared: Path) -> None:
    lock = FileLock(shared / "second" / "lock")
    assert lock.take()

    deleted, used = old_databases.remove(shared)
    lock.release()

    assert [folder.name for folder in deleted] == ["first", "third"]
    assert used == [shared / "second"]
    assert sorted(folder.name for folder in shared.iterdir()) == ["accounts", "linked", "second"]


def test_a_folder_that_is_a_link_is_left_alone(shared: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / OWNER).write_text("/nowhere/.seatrial/postgres\n")
    (shared / "link").symlink_to(elsewhere)

    old_databases.remove(shared)

    assert (elsewhere / OWNER).exists()
