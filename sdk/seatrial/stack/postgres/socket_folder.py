"""The folder of the server's Unix socket, which only the account of the server (and root) can enter.

It is in the server folder. Where that path is longer than a socket address may be, or its file system knows no sockets,
it is a new folder with a short path, and the file `socket-folder` says which.
"""

import contextlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seatrial.stack.errors import StackError, not_writable
from seatrial.stack.postgres.account import ServerUser
from seatrial_core import private_files

RECORD = "socket-folder"
PREFIX = "seatrial-"
# 107 on Linux, 103 on macOS and the BSDs.
MAX_PATH_BYTES = 103
SHARED_TEMPORARY = Path("/tmp")  # nosec B108 # a folder of mode 0700 with a random name is made in it


def prepare(server_folder: Path, account: ServerUser) -> Path:
    """Create the folder (or empty the one of a killed server) and return it.

    Raises:
        StackError: No folder on this machine has a path that is short enough.
        FolderNotWritable: The folder cannot be created.
    """
    try:
        folder = _recorded(server_folder, account) or _in(server_folder) or _short(server_folder, account)
        for stale in folder.iterdir():
            stale.unlink()  # the caller holds the lock of the server folder, so no server uses it
        folder.chmod(0o700)
        account.give(folder)
    except OSError as error:
        raise not_writable(server_folder, error) from error
    return folder


def find(server_folder: Path) -> Path:
    """Return the folder of a server that another process has started."""
    with contextlib.suppress(OSError):
        return Path((server_folder / RECORD).read_text(encoding="utf-8").removesuffix("\n"))
    return server_folder / "socket"


def remove(server_folder: Path) -> None:
    """Delete the folder of a server that has stopped."""
    folder = find(server_folder)
    if not folder.name.startswith(PREFIX) and folder.parent != server_folder:
        return
    with contextlib.suppress(OSError):
        if _is_private(folder, {os.geteuid(), *_owner(server_folder / "data")}):
            shutil.rmtree(folder)
            (server_folder / RECORD).unlink(missing_ok=True)


def _recorded(server_folder: Path, account: ServerUser) -> Path | None:
    if not (server_folder / RECORD).exists():
        return None
    folder = find(server_folder)
    owners = {os.geteuid(), account.user if account.user is not None else os.geteuid()}
    return folder if _is_private(folder, owners) and _fits(folder) else None


def _in(server_folder: Path) -> Path | None:
    folder = server_folder / "socket"
    if not _fits(folder):
        return None
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        folder.mkdir(mode=0o700)
    if not _takes_sockets(folder):
        folder.rmdir()
        return None
    (server_folder / RECORD).unlink(missing_ok=True)
    return folder


def _short(server_folder: Path, account: ServerUser) -> Path:
    for parent in _short_parents(account):
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            if _fits(folder) and _takes_sockets(folder):
                private_files.write_text(server_folder / RECORD, f"{folder}\n")
                return folder
            folder.rmdir()
    raise StackError(
        f"The path {server_folder / 'socket'} is too long for a Unix socket, and no folder with a short path can be "
        f"written. Set TMPDIR to one (at most {MAX_PATH_BYTES - 40} bytes), or run seatrial in a folder with a shorter "
        "path."
    )


def _short_parents(account: ServerUser) -> Iterator[Path]:
    if not account.is_other:  # another account may not be able to pass through these
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime:
            yield Path(runtime)
        yield Path(tempfile.gettempdir())
    yield SHARED_TEMPORARY


def _fits(folder: Path) -> bool:
    # libpq and PostgreSQL separate several folders by commas.
    path = os.fsencode(folder / ".s.PGSQL.65535.probe")
    return len(path) <= MAX_PATH_BYTES and not {b",", b'"', b"\n"} & {bytes([byte]) for byte in path}


def _takes_sockets(folder: Path) -> bool:
    path = folder / f".probe-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.bind(str(path))
        except OSError:
            return False
        finally:
            path.unlink(missing_ok=True)
    return True


def _is_private(folder: Path, owners: set[int]) -> bool:
    try:
        state = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid in owners and not state.st_mode & 0o077


def _owner(path: Path) -> tuple[int, ...]:
    with contextlib.suppress(OSError):
        return (path.lstat().st_uid,)
    return ()
