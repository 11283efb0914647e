"""A real PostgreSQL server in one folder: its lifecycle, its databases and its address."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from seatrial.stack.errors import AlreadyRunning, StackError
from seatrial.stack.postgres import binaries as programs
from seatrial.stack.postgres import cluster, postmaster, server_folder, service_address, socket_folder
from seatrial.stack.postgres.account import ServerUser, for_data
from seatrial.stack.postgres.launch import SOCKET_PORT, LaunchedServer, ServerLauncher
from seatrial.stack.processes.lock import FileLock

if TYPE_CHECKING:
    import psycopg

DATABASE = "seatrial"


class PostgresServer:
    """Serve PostgreSQL from `folder` on a Unix socket that only this user can open; the data survives stop and start.

    With `port` it listens on that TCP port of 127.0.0.1 too; `binaries` is a bin folder to use instead of searching,
    `settings` are extra server settings such as {"fsync": "off"}; setting `stop_event` cancels a start.

    Example: `with PostgresServer(Path(".seatrial/postgres")) as server: print(server.url())`
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        binaries: Path | None = None,
        settings: Mapping[str, str] | None = None,
        stop_event: threading.Event | None = None,
    ) -> None:
        self.folder = folder
        self.port = port
        self._override = binaries
        self._settings = dict(settings or {})
        self._launcher = ServerLauncher(folder, port, self._settings, stop_event or threading.Event())
        self._launched: LaunchedServer | None = None
        self._lock: FileLock | None = None
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
    def socket_folder(self) -> Path:
        """Return the folder of the running server's Unix socket."""
        if self._launched is None:
            raise StackError(f"The server of {self.folder} has not been started; call start() first.")
        return self._launched.socket_folder

    @property
    def is_running(self) -> bool:
        """Return whether the server that this object started is still running."""
        return self._launched is not None and self._launched.is_running

    @property
    def watchdog_pid(self) -> int | None:
        """Return the pid of the process that starts and stops the server, or None when it is stopped."""
        return self._launched.watchdog.pid if self._launched is not None and self._launched.is_running else None

    @property
    def data(self) -> Path:
        """Return the data folder, which contains postmaster.pid."""
        return self.folder.resolve() / "data"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.folder.resolve() / "server.log"

    def start(self) -> None:
        """Start the server and return when it accepts connections; the first start creates the database."""
        if self.is_running:
            return
        self._stop_process()
        self._release()  # what a crashed server still holds; its socket's folder stays, so that its address does
        root = server_folder.prepare(self.folder)
        self._take_lock(root)
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self.stop)
            postmaster.wait_until_gone(self.data, 3.0)
            postmaster.stop(self.data)
            account = for_data(root)
            if self.data.exists():
                account.give_tree(self.data)  # an earlier version ran it as `nobody`
            binaries = self._programs(root, account)
            self._password = cluster.password(root)
            if cluster.version(self.data) is None:
                durable = self._settings.get("fsync") != "off"
                cluster.create(self.data, binaries, account, self._password, durable=durable)
            cluster.require_passwords(self.data, account)
            self._launched = self._launcher.launch(binaries, account)
            self._ensure_database()
            cleanup.pop_all()

    def stop(self) -> None:
        """Stop the server and release the folder; do nothing when it is not running."""
        self._stop_process()
        if self._lock is not None:
            socket_folder.remove(self.folder.resolve())
        self._release()

    def remove(self) -> None:
        """Stop the server and delete its folder with all data."""
        self.stop()
        server_folder.remove(self.folder)

    def url(self, database: str = DATABASE) -> str:
        """Return the address of a database of this server, password included."""
        return self.url_of(cluster.USER, self._password, database)

    def url_of(self, user: str, password: str, database: str = DATABASE) -> str:
        """Return the address of a database of this server as a user."""
        number = self.port or SOCKET_PORT
        return service_address.through_socket(self.socket_folder, number, user, password, database)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, optionally as a copy of `template`, and return its address."""
        from psycopg import sql

        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        with self._admin() as connection:
            connection.execute(command)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database and end its sessions; do nothing when it does not exist."""
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
                f"PostgreSQL in {self.folder} is running but refuses the connection: {' '.join(str(error).split())}"
            ) from error
        with connection:
            yield connection

    def _ensure_database(self) -> None:
        with self._admin() as connection:
            row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if row is None:
            self.create_database(DATABASE)

    def _stop_process(self) -> None:
        if self._launched is not None and not self._launched.is_stopped:
            self._launched.stop()
            postmaster.stop(self.data)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _take_lock(self, root: Path) -> None:
        lock = FileLock(root / "lock")
        if not lock.take():
            raise AlreadyRunning(
                f"PostgreSQL in {self.folder} is already served by process {lock.holder()}. "
                "Stop it first (`seatrial down`), or use its address (`seatrial db url`)."
            )
        self._lock = lock

    def _programs(self, root: Path, account: ServerUser) -> programs.Binaries:
        binaries = programs.find(cluster.version(self.data), self._override)
        if account.is_other and not programs.reachable_by_all(binaries):
            return programs.copied_to(root, binaries)
        return binaries
