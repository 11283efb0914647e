"""A real PostgreSQL server in a folder of ours, ended with the process that started it."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from seatrial.stack.errors import AlreadyRunning, PortTaken, StackError, not_writable
from seatrial.stack.postgres import binaries as programs
from seatrial.stack.postgres import cluster, postmaster, server_folder
from seatrial.stack.postgres.account import ServerUser, for_data
from seatrial.stack.processes import ports
from seatrial.stack.processes.lock import FileLock

if TYPE_CHECKING:
    import psycopg

DATABASE = "seatrial"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
RETRY_SECONDS = 20.0
_LINGERING = ("lock file", "pre-existing shared memory block", "is the parent process still running")
_PORT_IN_USE = ("could not bind", "could not create any TCP/IP sockets", "Address already in use")


class PostgresServer:
    """Serve PostgreSQL from `folder` on 127.0.0.1; the data survives stop and start.

    `port` fixes the TCP port (None: a free one, remembered in the folder), `binaries` is a bin folder to use instead of
    searching, `settings` are extra server settings such as {"fsync": "off"}.

    Example: `with PostgresServer(Path(".seatrial/postgres")) as server: print(server.url())`
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._fixed_port = port
        self._override = binaries
        self._settings = dict(settings or {})
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._lock: FileLock | None = None
        self._port: int | None = None
        self._password = ""

    def __enter__(self) -> "PostgresServer":
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    @property
    def port(self) -> int:
        """Return the TCP port of the running server."""
        if self._port is None:
            raise StackError(f"The server of {self.folder} has not been started; call start() first.")
        return self._port

    @property
    def is_running(self) -> bool:
        """Tell whether the server that this object started is still alive."""
        return self._watchdog is not None and self._watchdog.poll() is None  # the watchdog ends with the server

    @property
    def watchdog_pid(self) -> int | None:
        """Return the pid of the process that holds the server on a leash, or None when it is stopped."""
        return self._watchdog.pid if self._watchdog is not None else None

    @property
    def data(self) -> Path:
        """Return the data folder (the place of postmaster.pid)."""
        return self.folder.resolve() / "data"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.folder.resolve() / "server.log"

    def start(self) -> None:
        """Start the server, making the database on the first call; returns when it accepts connections."""
        if self.is_running:
            return
        self.stop()  # what is left of a server that died
        root = server_folder.prepare(self.folder)
        self._take_lock(root)
        try:
            postmaster.wait_until_gone(self.data, 3.0)
            postmaster.stop(self.data)
            account = for_data(self.data)
            found = self._programs(root, account)
            self._password = cluster.password(root)
            if cluster.version(self.data) is None:
                durable = self._settings.get("fsync") != "off"
                cluster.create(self.data, found, account, self._password, durable=durable)
            self._start_with_retries(found, account)
            self._ensure_database()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server in order and let the folder go; nothing happens when it is not running."""
        if self._watchdog is not None:
            if self._watchdog.stdin is not None:
                self._watchdog.stdin.close()
            try:
                self._watchdog.wait(timeout=STOP_SECONDS * 3 + 5)
            except subprocess.TimeoutExpired:
                self._watchdog.kill()
                self._watchdog.wait()
            self._watchdog = None
            postmaster.stop(self.data)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def remove(self) -> None:
        """Stop the server and delete its folder with all data."""
        self.stop()
        server_folder.remove(self.folder)

    def url(self, database: str = DATABASE) -> str:
        """Return the address of a database of this server, password included."""
        return f"postgresql://{cluster.USER}:{self._password}@{ports.LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` when one is named, and return its address."""
        from psycopg import sql

        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._admin() as connection:
            connection.execute(command)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Delete a database and end the sessions in it; nothing happens when it does not exist."""
        from psycopg import sql

        with self._admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def _admin(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        import psycopg

        try:
            connection = psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise StackError(
                f"PostgreSQL in {self.folder} runs but refuses us: {' '.join(str(error).split())}"
            ) from error
        with connection:
            yield connection

    def _ensure_database(self) -> None:
        with self._admin() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if known is None:
            self.create_database(DATABASE)

    def _take_lock(self, root: Path) -> None:
        lock = FileLock(root / "lock")
        if not lock.take():
            raise AlreadyRunning(
                f"PostgreSQL in {self.folder} is already served by process {lock.holder()}. "
                "Stop it first (`seatrial down`), or use its address (`seatrial db url`)."
            )
        self._lock = lock

    def _programs(self, root: Path, account: ServerUser) -> programs.Binaries:
        found = programs.find(cluster.version(self.data), self._override)
        if account.is_other and not programs.reachable_by_all(found):
            return programs.copied_to(root, found)
        return found

    def _start_with_retries(self, found: programs.Binaries, account: ServerUser) -> None:
        deadline = time.monotonic() + RETRY_SECONDS
        avoid: int | None = None
        while True:
            self._port = self._choose_port(avoid)
            said = self._start_once(found, account)
            if said is None:
                (self.folder.resolve() / "port").write_text(f"{self._port}\n", encoding="ascii")
                return
            port_taken = any(text in said for text in _PORT_IN_USE)
            if port_taken and self._fixed_port is not None:
                raise PortTaken(
                    f"Port {self._port} on {ports.LOOPBACK} is taken. Set SEATRIAL_POSTGRES_PORT to a free one."
                )
            # After kill -9 the old server's children hold its memory for a second or two.
            lingering = any(text in said for text in _LINGERING)
            if not (port_taken or lingering) or time.monotonic() > deadline:
                raise StackError(
                    f"PostgreSQL did not start in {self.data}: {said.strip() or 'it wrote nothing'} (log: {self.log})"
                )
            avoid = self._port if port_taken else None
            time.sleep(0.1)

    def _choose_port(self, avoid: int | None) -> int:
        if self._fixed_port is not None:
            return self._fixed_port
        try:
            remembered = int((self.folder.resolve() / "port").read_text(encoding="ascii"))
        except (OSError, ValueError):
            remembered = None
        if remembered is not None and remembered != avoid and ports.is_free(remembered):
            return remembered
        return ports.free()

    def _start_once(self, found: programs.Binaries, account: ServerUser) -> str | None:
        # None when the server is ready, else what it wrote before it ended
        try:
            before = self.log.stat().st_size if self.log.exists() else 0
            self._watchdog = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    str(Path(__file__).with_name("child_watchdog.py")),
                    self._order(found, account),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise not_writable(self.folder, error) from error
        deadline = time.monotonic() + START_SECONDS
        while self._watchdog.poll() is None:
            state = postmaster.read(self.data)
            if state is not None and state.is_ready and postmaster.process(self.data) is not None:
                return None
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL did not become ready within {START_SECONDS:.0f} s; see {self.log}")
            time.sleep(0.02)
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._watchdog = None
        with self.log.open("rb") as log:
            log.seek(before)
            return log.read().decode("utf-8", "replace")[-2000:]

    def _order(self, found: programs.Binaries, account: ServerUser) -> str:
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self._port),
            # No socket file at all: TCP with a password is enough, and a socket's path may not exceed 107 bytes.
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            **self._settings,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return json.dumps(
            {
                "command": [str(found.folder / "postgres"), "-D", str(self.data), *arguments],
                "log": str(self.log),
                "user": account.user,
                "group": account.group,
                "stop_signal": int(signal.SIGINT),
                "grace_seconds": STOP_SECONDS,
                "environment": cluster.environment(),
            }
        )
