"""Brings a database to the newest schema and its roles to their rights: `python -m seatrial_service.db.upgrade`."""

import logging
import os
import sys
from functools import cache
from pathlib import Path

import sqlalchemy.exc
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from seatrial_core.errors import DatabaseUnreachable, SeatrialError, SettingsError
from seatrial_core.variables import unknown_variables
from seatrial_service.db import roles
from seatrial_service.db.session import driver_url


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside the installed package, or next to it in a checkout.

    Raises:
        SettingsError: The installation is incomplete.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").exists():
            return folder
    raise SettingsError(f"no migrations next to {package}; the installation is incomplete, install it again")


def config(url: str = "") -> Config:
    """Return Alembic's configuration for a database address."""
    settings = Config()
    settings.set_main_option("script_location", str(migrations_folder()))
    settings.set_main_option("version_path_separator", "os")
    if url:
        settings.set_main_option("sqlalchemy.url", driver_url(url).replace("%", "%%"))
    return settings


@cache
def head() -> str:
    """Return the revision of the newest migration; a history with two heads is an error.

    Raises:
        SettingsError: The history has two heads, or none.
    """
    newest = ScriptDirectory.from_config(config()).get_heads()
    if len(newest) != 1:
        raise SettingsError(f"the migrations have {len(newest)} heads ({', '.join(newest)}); there must be exactly one")
    return newest[0]


def upgrade(url: str, revision: str = "head") -> None:
    """Apply every migration that is missing.

    Args:
        url: A plain postgresql:// address; sessions must not go through a transaction pooler.
        revision: Where to stop.

    Raises:
        DatabaseUnreachable: Postgres does not answer.
    """
    try:
        command.upgrade(config(url), revision)
    except sqlalchemy.exc.OperationalError as error:
        raise DatabaseUnreachable(f"cannot migrate: {error.orig}; check SEATRIAL_DATABASE_URL") from error


def main() -> int:
    """Upgrade the database that the environment names, then create or update the roles it has passwords for."""
    logging.basicConfig(level=logging.WARNING)
    url = os.environ.get("SEATRIAL_DATABASE_DIRECT_URL") or os.environ.get("SEATRIAL_DATABASE_URL", "")
    for sentence in unknown_variables(os.environ):
        sys.stderr.write(f"migrate: {sentence}\n")
    try:
        if not url:
            raise SettingsError("SEATRIAL_DATABASE_URL is not set; give a plain postgresql:// address")
        request = roles.RoleRequest.of(os.environ)
        upgrade(url)
        roles.provision(url, request)
    except SeatrialError as error:
        sys.stderr.write(f"migrate: {error}\n")
        return 2 if isinstance(error, SettingsError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
