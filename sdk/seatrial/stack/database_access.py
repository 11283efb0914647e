"""Database access for commands: the running database, or the embedded one started temporarily."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import binaries, cluster, database, role_passwords, service_address


def running_url(layout: Layout) -> str | None:
    """Return the URL of the configured database, else of the running embedded one, else None."""
    named = os.environ.get(database.VARIABLE, "").strip()
    if named:
        database.check_url(named)
        return named
    return database.embedded_url(layout)


@contextlib.contextmanager
def opened(layout: Layout) -> Iterator[str]:
    """Yield the URL of a database that answers; start the embedded one for the block when it is not running."""
    url = running_url(layout)
    if url is not None:
        database.reach(url, is_ours=not os.environ.get(database.VARIABLE))
        yield url
        return
    layout.make()
    embedded = database.choose(layout, os.environ, {})
    try:
        embedded.start()
        yield embedded.url
    finally:
        embedded.stop()


def managed_passwords(layout: Layout) -> dict[str, str]:
    """Return the passwords of the embedded server's roles, or none when the user names another database."""
    if os.environ.get(database.VARIABLE, "").strip():
        return {}
    return role_passwords.of_folder(layout.postgres.resolve())


def run_program(layout: Layout, name: str, url: str, options: Sequence[str] = ()) -> int:
    """Run psql, pg_dump or pg_dumpall and return its exit code; the password is not on the command line.

    Args:
        layout: The folder of the stack; the program of its server's version is preferred.
        name: The name of the program.
        url: The address of the database.
        options: Further options.
    """
    address, password = without_password(url)
    environment = {**os.environ, "PGPASSWORD": password or os.environ.get("PGPASSWORD", "")}
    command = [str(_program(layout, name)), *options, "-d", address]
    return subprocess.run(command, env=environment, check=False).returncode


def without_password(url: str) -> tuple[str, str]:
    """Return a database address without its password, and the password; it may be in the query too."""
    parts = urlsplit(url)
    options = parse_qsl(parts.query, keep_blank_values=True)
    in_query = next((value for name, value in options if name.lower() == "password"), "")
    query = service_address.encoded([(name, value) for name, value in options if name.lower() != "password"])
    user, _, _ = parts.netloc.rpartition("@")
    name, _, _ = user.partition(":")
    host = parts.netloc.rpartition("@")[2]
    address = urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host, query=query))
    return address, unquote(parts.password or "") or in_query


def _program(layout: Layout, name: str) -> Path:
    with contextlib.suppress(StackError):
        program = binaries.find(cluster.version(layout.postgres.resolve() / "data")).folder / name
        if program.is_file():
            return program
    on_path = shutil.which(name)
    if on_path is None:
        raise StackError(
            f"{name} was not found. Install a PostgreSQL client (Debian, Ubuntu: apt install postgresql-client)."
        )
    return Path(on_path)
