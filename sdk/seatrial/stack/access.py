"""Reaching the database from a command: the running one, or the embedded one started for as long as it is needed."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import binaries, cluster, database


def running_url(layout: Layout) -> str | None:
    """Return the address of the named or the running embedded database, or None when the latter does not run."""
    named = os.environ.get(database.VARIABLE, "").strip()
    if named:
        database.check_url(named)
        return named
    return database.embedded_url(layout)


@contextlib.contextmanager
def opened(layout: Layout) -> Iterator[str]:
    """Yield the address of a database that answers, starting the embedded one when nobody has."""
    found = running_url(layout)
    if found is not None:
        database.reach(found, is_ours=not os.environ.get(database.VARIABLE))
        yield found
        return
    layout.make()
    embedded = database.choose(layout, os.environ, {})
    try:
        embedded.start()
        yield embedded.url
    finally:
        embedded.stop()


def psql(layout: Layout, url: str) -> int:
    """Run psql on an address and return its exit code; the password goes by the environment, not the command line."""
    parts = urlsplit(url)
    user, _, _ = parts.netloc.rpartition("@")
    name, _, _ = user.partition(":")
    without = urlunsplit(parts._replace(netloc=f"{name}@{parts.netloc.rpartition('@')[2]}" if name else parts.netloc))
    environment = {**os.environ, "PGPASSWORD": unquote(parts.password or os.environ.get("PGPASSWORD", ""))}
    return subprocess.run([str(_program(layout)), without], env=environment, check=False).returncode


def _program(layout: Layout) -> Path:
    with contextlib.suppress(StackError):
        beside = binaries.find(cluster.version(layout.postgres.resolve() / "data")).folder / "psql"
        if beside.is_file():
            return beside
    on_path = shutil.which("psql")
    if on_path is None:
        raise StackError(
            "psql was not found. Install a PostgreSQL client (Debian, Ubuntu: apt install postgresql-client)."
        )
    return Path(on_path)
