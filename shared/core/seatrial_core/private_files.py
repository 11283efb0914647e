"""Creates files and folders that only their owner can read, whatever the umask is, and refuses those of others."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600


class UnsafeFolder(PermissionError):
    """A folder belongs to another user, so its content may come from that user."""


def make_folder(folder: Path, *, parents: bool = False, on_repair: Callable[[str], None] | None = None) -> None:
    """Create a folder of mode 0700, or correct the mode of an existing one.

    Raises:
        UnsafeFolder: It exists and belongs to another user.
        OSError: It cannot be created.
    """
    if parents:
        folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():
            raise
        require_own(folder)
        repair(folder.resolve(), on_repair)
    else:
        folder.chmod(FOLDER_MODE)  # the umask may have taken a right of the owner


def require_own(folder: Path) -> None:
    """Raise UnsafeFolder if an existing folder, or the link that leads to it, belongs to another user."""
    if not is_own(folder):
        raise UnsafeFolder(
            f"{folder} belongs to another user (uid {folder.lstat().st_uid}), who could read and change what is stored "
            "there; use another folder, or delete this one as that user"
        )


def is_own(path: Path) -> bool:
    """Return whether an existing file or folder, and a link that leads to it, belong to this user or to root.

    Root also works in the folder of a user if everything in it belongs to that user, but not in what another user
    has put into a shared folder.
    """
    parent = path.parent.stat().st_uid
    return all(is_trusted_owner(state.st_uid, parent, os.geteuid()) for state in (path.lstat(), path.stat()))


def is_trusted_owner(owner: int, parent_owner: int, user: int) -> bool:
    """Return whether `user` may trust what `owner` has made in a folder of `parent_owner`."""
    return owner in (user, 0) or (user == 0 and owner == parent_owner)


def is_exposed(path: Path) -> bool:
    """Return whether accounts besides the owner may read, write or enter an existing file or folder."""
    state = path.lstat()
    return not stat.S_ISLNK(state.st_mode) and bool(stat.S_IMODE(state.st_mode) & 0o077)


def repair(path: Path, on_repair: Callable[[str], None] | None = None) -> None:
    """Take away the rights of group and others from a file or folder of this user; report it if there were any."""
    if is_exposed(path):
        mode = stat.S_IMODE(path.lstat().st_mode)
        with suppress(PermissionError):  # it belongs to root, who made it so
            path.chmod(mode & 0o700)
        if on_repair is not None and not is_exposed(path):
            on_repair(f"{path} was open to other users (mode {mode:04o}) and is now private")


def open_append(file: Path) -> int:
    """Open (or create) a private file for appending, never through a link, and return the descriptor."""
    return _open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def write_text(file: Path, text: str) -> None:
    """Replace a private file in one step; readers see the old or the new content."""
    staging = file.with_name(f".{file.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        with os.fdopen(_open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as handle:
            handle.write(text)
        staging.replace(file)
    except OSError:
        staging.unlink(missing_ok=True)
        raise


def write_output(file: Path, text: str) -> None:
    """Write a file that the user has named.

    In a folder where other users can write, such as /tmp, a new file is private, and a link of another user is not
    followed: it could lead to a file of this user.

    Raises:
        OSError: It cannot be written.
    """
    is_shared = bool(file.parent.stat().st_mode & 0o022)
    if is_shared and file.is_symlink() and not is_own(file):
        raise UnsafeFolder(errno.EACCES, "it is a link of another user", str(file))
    mode = FILE_MODE if is_shared else 0o666
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _open(file: Path, flags: int) -> int:
    descriptor = os.open(file, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    state = os.fstat(descriptor)
    if stat.S_ISREG(state.st_mode) and stat.S_IMODE(state.st_mode) & 0o077 and state.st_uid == os.geteuid():
        os.fchmod(descriptor, FILE_MODE)  # created by an earlier version, or before a umask was set
    return descriptor
