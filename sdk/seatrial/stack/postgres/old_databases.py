"""Databases under /var/lib/seatrial whose working folder was deleted (or moved and not used since)."""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack.errors import not_writable
from seatrial.stack.postgres import dedicated_account, postmaster, server_folder, socket_folder
from seatrial.stack.processes.lock import FileLock


@dataclass(frozen=True)
class OldDatabase:
    """A server folder, and the `.seatrial/postgres` that led to it."""

    folder: Path
    former: Path


def find(shared: Path = server_folder.SHARED) -> list[OldDatabase]:
    """Return those that this user owns.

    Args:
        shared: The folder that contains the server folders.
    """
    databases = []
    for target in sorted(shared.iterdir()) if shared.is_dir() else ():
        with contextlib.suppress(OSError):
            if target.is_symlink() or target.stat().st_uid != os.geteuid():
                continue
            former = Path((target / server_folder.OWNER).read_text(encoding="utf-8").strip())
            if former.resolve() != target:
                databases.append(OldDatabase(target, former))
    return databases


def remove(shared: Path = server_folder.SHARED) -> tuple[list[Path], list[Path]]:
    """Delete those without a server; return the deleted folders, and those that are in use.

    Args:
        shared: The folder that contains the server folders.
    """
    deleted, used = [], []
    for database in find(shared):
        lock = FileLock(database.folder / "lock")
        if not lock.take() or postmaster.process(database.folder / "data") is not None:
            lock.release()
            used.append(database.folder)
            continue
        try:
            socket_folder.remove(database.folder)
            shutil.rmtree(database.folder)
            dedicated_account.forget(database.folder)
        except OSError as error:
            raise not_writable(database.folder, error) from error
        finally:
            lock.release()
        deleted.append(database.folder)
    return deleted, used
