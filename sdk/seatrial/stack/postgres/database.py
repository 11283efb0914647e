"""The database of a stack: the one that SEATRIAL_DATABASE_URL names, else the embedded server."""

import importlib.util
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from seatrial.stack.errors import StackError, UsageError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import cluster, postmaster, role_passwords, service_address, socket_folder
from seatrial.stack.postgres.launch import SOCKET_PORT
from seatrial.stack.postgres.server import DATABASE, PostgresServer
from seatrial.stack.postgres.service_address import DIRECT_VARIABLE as DIRECT_VARIABLE
from seatrial.stack.postgres.service_address import VARIABLE as VARIABLE
from seatrial.stack.processes import record
from seatrial.stack.processes.database_watch import StackDatabase
from seatrial_core import private_files, redaction
from seatrial_core.child_environment import allowed

PORT_VARIABLE = "SEATRIAL_POSTGRES_PORT"
CONNECT_SECONDS = 5
MIGRATION_SECONDS = 300


class ExternalDatabase:
    """A server that is run outside the stack; only checked for an answer.

    Args:
        url: Its address, which services without a role of their own share.
        environment: Variables with the addresses or passwords of single services.
    """

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = url
        self._environment = environment

    def variables(self, service: str) -> Mapping[str, str]:
        """Return the address of one service, as its role if the user gives one."""
        return service_address.external_variables(self.url, self._environment, service)

    def role_passwords(self) -> Mapping[str, str]:
        """Return nothing: the roles of an external server are the user's."""
        return {}

    def start(self) -> None:
        """Raise in one sentence when the database does not answer."""
        reach(self.url)

    def is_running(self) -> bool:
        """Leave it to the services to report an outage of a database that is not ours."""
        return True

    def stop(self) -> None:
        """Leave the database alone."""


class EmbeddedDatabase:
    """The server in .seatrial/postgres; `fresh` names a database that is recreated at the start."""

    def __init__(
        self,
        layout: Layout,
        settings: Mapping[str, str],
        port: int | None = None,
        fresh: str | None = None,
        stop_event: threading.Event | None = None,
    ) -> None:
        self._layout = layout
        self._server = PostgresServer(layout.postgres, port=port, settings=settings, stop_event=stop_event)
        self._fresh = fresh
        self._name = fresh or DATABASE

    @property
    def url(self) -> str:
        """Return the address of the stack's database as its owner."""
        return self._server.url(self._name)

    def variables(self, service: str) -> Mapping[str, str]:
        """Return the address of one service as its own role; a service without a role gets none."""
        password = self.role_passwords().get(service)
        return {VARIABLE: service_address.as_role(self.url, service, password)} if password else {}

    def role_passwords(self) -> Mapping[str, str]:
        """Return the passwords of the roles of this server, by service."""
        return role_passwords.of_folder(self._layout.postgres.resolve())

    def start(self) -> None:
        """Start the server and note its processes in the run folder."""
        self._server.start()
        if self._fresh is not None:
            self._server.drop_database(self._fresh)
            self._server.create_database(self._fresh)
            self._fresh = None  # a server that is started again after a crash keeps its data
        private_files.make_folder(self._layout.run, parents=True)
        state = postmaster.read(self._server.data)
        if state is not None:
            record.write(
                self._layout.run, record.ProcessLabel("postgres", self._server.port, database=self._name), state.pid
            )

    def is_running(self) -> bool:
        """Return whether the server is running."""
        return self._server.is_running

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()
        record.forget(self._layout.run, "postgres")


def choose(
    layout: Layout,
    environment: Mapping[str, str],
    settings: Mapping[str, str],
    fresh: str | None = None,
    stop_event: threading.Event | None = None,
) -> StackDatabase:
    """Return the database that the environment selects.

    Args:
        layout: The folder of the embedded server.
        environment: Variables; SEATRIAL_DATABASE_URL names an external database.
        settings: Extra settings of the embedded server.
        fresh: Name of an embedded database to recreate at the start.
        stop_event: Cancels a start of the embedded server when it is set.
    """
    check_driver()
    url = environment.get(VARIABLE, "").strip()
    if url and fresh is not None:
        raise UsageError(f"The demo creates its own empty database. Unset {VARIABLE} to run it.")
    if url:
        check_url(url)
        return ExternalDatabase(url, environment)
    text = environment.get(PORT_VARIABLE, "").strip()
    if text and not (text.isdigit() and 1 <= int(text) <= 65535):
        raise UsageError(f"{PORT_VARIABLE} must be a port from 1 to 65535, was {text!r}.")
    return EmbeddedDatabase(layout, settings, int(text) if text else None, fresh, stop_event)


def check_url(url: str) -> None:
    """Raise when an address is not a plain postgresql:// one."""
    redaction.remember_url(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError(
            f"{VARIABLE} is not an address that can be read. Write special characters of the password as %XX "
            "(/ is %2F, @ is %40, : is %3A)."
        ) from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise UsageError(
            f"{VARIABLE} must be a plain postgresql:// address (postgresql://user:password@host:5432/name), "
            + (f"but begins with {parts.scheme!r}." if "://" in url else "but its beginning is not postgresql://.")
        )


def check_driver() -> None:
    """Raise when the database driver is missing."""
    if importlib.util.find_spec("psycopg") is None:
        raise StackError("The database needs psycopg, which is not installed: pip install 'seatrial[up]'")


def reach(url: str, *, is_ours: bool = False) -> None:
    """Raise in one sentence, without the password, when no database answers at `url`."""
    check_driver()
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute("SELECT 1")
    except (psycopg.Error, OSError) as error:
        where = service_address.place(url)
        reason = " ".join(str(error).split())
        if is_ours:
            raise StackError(
                f"The embedded database ({where}) does not answer: {reason} See `seatrial logs postgres`."
            ) from error
        raise StackError(
            f"The database of {VARIABLE} ({where}) cannot be reached: {reason} "
            f"Start it, correct the address, or unset {VARIABLE} to use the embedded database."
        ) from error


def migrate(
    command: Sequence[str],
    url: str,
    inherited: Mapping[str, str] | None = None,
    passwords: Mapping[str, str] | None = None,
) -> None:
    """Upgrade the database at `url` with the migration command; the error quotes its last output line.

    Args:
        command: The migration command.
        url: The address of the database as its owner.
        inherited: Variables of this process.
        passwords: Passwords of the roles by service, on an embedded server.
    """
    environment = migration_environment(os.environ if inherited is None else inherited, url, passwords)
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=MIGRATION_SECONDS, check=False,
            env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StackError(
            f"The migrations did not finish within {MIGRATION_SECONDS} s; see whether a session locks them."
        ) from error
    if ended.returncode != 0:
        output = [line.strip() for line in (ended.stderr or ended.stdout).splitlines() if line.strip()]
        raise StackError(f"The migrations failed: {output[-1] if output else f'exit code {ended.returncode}'}")


def migration_environment(
    inherited: Mapping[str, str], url: str, passwords: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the whole environment of the migration: the address, passwords, and settings whose names say DATABASE."""
    settings = {name: value for name, value in inherited.items() if name.startswith("SEATRIAL_") and "DATABASE" in name}
    roles = {role_passwords.password_variable(service): secret for service, secret in (passwords or {}).items()}
    if roles:  # an embedded server has no other users
        roles["SEATRIAL_DATABASE_DEDICATED"] = "1"
    return {**allowed(inherited, with_network=False), **settings, **roles, VARIABLE: url, DIRECT_VARIABLE: url}


def direct_url(environment: Mapping[str, str], url: str) -> str:
    """Return the address for migrations: past a pooler, when the named database has one."""
    return (environment.get(VARIABLE) and environment.get(DIRECT_VARIABLE)) or url


def embedded_url(layout: Layout) -> str | None:
    """Return the address of the running embedded server of another process, or None when it does not run."""
    stored = record.read(layout.run, "postgres")
    if stored is None or stored.process is None:
        return None
    secret = cluster.password(layout.postgres.resolve())
    folder = socket_folder.find(layout.postgres.resolve())
    number, name = stored.port or SOCKET_PORT, stored.database or DATABASE
    return service_address.through_socket(folder, number, cluster.USER, secret, name)
