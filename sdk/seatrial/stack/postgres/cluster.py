"""A data folder made by initdb: durable, password protected, complete or absent."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from seatrial.stack.errors import StackError, not_writable
from seatrial.stack.postgres.account import ServerUser, for_initdb, name_for_initdb
from seatrial.stack.postgres.binaries import Binaries
from seatrial_core import private_files

USER = "seatrial"
INHERITED = frozenset({"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"})
METHOD = "scram-sha-256"
ACCESS_RULES = f"""\
# Written by `seatrial up`: every connection needs a password.
local all all {METHOD}
host all all 127.0.0.1/32 {METHOD}
host all all ::1/128 {METHOD}
"""
NEEDED_BYTES = 200 * 1024 * 1024


def version(data: Path) -> int | None:
    """Return the major version that made a data folder, or None when there is none yet.

    Raises:
        StackError: The folder belongs to another user.
    """
    try:
        return int((data / "PG_VERSION").read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise StackError(
            f"{data} belongs to another user. Run the command as that user, or remove it with `seatrial reset --yes`."
        ) from error


def environment() -> dict[str, str]:
    """Return the environment for PostgreSQL programs: paths, and a locale that every machine has.

    They may run as another account; so no variable of the user is in it.
    """
    kept = {name: value for name, value in os.environ.items() if name in INHERITED}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def password(server_folder: Path) -> str:
    """Return the stored password of the database user; it is made on the first call and readable by us only."""
    file = server_folder / "password"
    try:
        if file.exists():
            return file.read_text(encoding="ascii").strip()
        made = secrets.token_urlsafe(24)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(f"{made}\n")
        return made
    except OSError as error:
        raise not_writable(file, error) from error


def create(data: Path, binaries: Binaries, account: ServerUser, secret: str, *, durable: bool = True) -> None:
    """Run initdb in a temporary folder next to `data` and rename it, so a killed initdb leaves no incomplete data."""
    enclosure = data.with_name("data.new")
    staging, secret_file = enclosure / "data", enclosure / "password"
    maker = for_initdb(account)
    _check_space(data.parent)
    try:
        shutil.rmtree(enclosure, ignore_errors=True)
        enclosure.mkdir(mode=0o700)
        staging.mkdir(mode=0o700)
        private_files.write_text(secret_file, f"{secret}\n")
        for path in (staging, secret_file):
            maker.give(path)
        maker.give_group(enclosure)
        _initdb(staging, secret_file, binaries, maker, () if durable else ("--no-sync",))
        account.give_tree(staging)
        staging.rename(data)
    except OSError as error:
        raise not_writable(data.parent, error) from error
    finally:
        shutil.rmtree(enclosure, ignore_errors=True)


def require_passwords(data: Path, account: ServerUser) -> None:
    """Replace access rules that let an account in without a password."""
    file = data / "pg_hba.conf"
    try:
        rules = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
        if all({METHOD, "reject"} & set(rule) for rule in rules if rule and not rule[0].startswith("#")):
            return
        private_files.write_text(file, ACCESS_RULES)
        account.give(file)
    except OSError as error:
        raise not_writable(file, error) from error


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise StackError(
            f"{folder} has {free // 2**20} MB free; a new database needs {NEEDED_BYTES // 2**20} MB. "
            "Free some space and try again."
        )


def _initdb(data: Path, secret_file: Path, binaries: Binaries, account: ServerUser, options: tuple[str, ...]) -> None:
    command = [
        *name_for_initdb(),
        str(binaries.folder / "initdb"),
        *("-D", str(data), "-U", USER, "-E", "UTF8", "--locale=C", "-A", METHOD),
        f"--pwfile={secret_file}",
        *options,
    ]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
        cwd="/",
        env=environment(),
        stdin=subprocess.DEVNULL,
        user=account.user,
        group=account.group,
        extra_groups=[] if account.is_other else None,
    )
    if ended.returncode != 0:
        output = (ended.stderr or ended.stdout).strip().splitlines()[-4:]
        raise StackError(f"initdb could not create {data}: {' '.join(line.strip() for line in output)}")
