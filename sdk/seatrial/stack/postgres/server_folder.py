"""Where the server's files really are: in the folder itself, or under /var/lib/seatrial when we are root.

As root the server runs as another account, which can enter neither a clone under /root nor a folder of mode 0700. So
the folder becomes a link to a folder that every account can enter.
"""

import hashlib
import itertools
import os
import shutil
from pathlib import Path

from seatrial.stack.errors import StackError, not_writable
from seatrial.stack.postgres import dedicated_account, socket_folder
from seatrial_core import private_files

SHARED = Path("/var/lib/seatrial")
OWNER = "folder"


def prepare(folder: Path) -> Path:
    """Create (or find) the server folder behind `folder` and return its real path.

    Raises:
        StackError: The folder belongs to another user.
        FolderNotWritable: It cannot be created.
    """
    try:
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            return _prepare_as_root(folder)
        return _prepare_as_user(folder)
    except OSError as error:
        raise not_writable(folder.parent, error) from error


def remove(folder: Path) -> None:
    """Delete the server folder behind `folder` and the link to it; do nothing when there is none."""
    target = folder.resolve()
    try:
        if folder.is_symlink():
            if target.parent == SHARED and _belongs_to(target, folder):
                socket_folder.remove(target)
                shutil.rmtree(target, ignore_errors=True)
                dedicated_account.forget(target)
            folder.unlink()
        elif folder.is_dir():
            socket_folder.remove(target)
            shutil.rmtree(folder)
            dedicated_account.forget(target)
    except OSError as error:
        raise not_writable(folder, error) from error


def _prepare_as_user(folder: Path) -> Path:
    if folder.is_symlink() and not os.access(folder.resolve(), os.W_OK):
        raise StackError(
            f"{folder} leads to {folder.resolve()}, which was made by root. "
            "Run this command as root again, or let root remove it with `seatrial reset --yes`."
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        private_files.repair(folder.resolve())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StackError(
            f"{folder} belongs to another user. Run the command as that user, "
            "or let that user remove it with `seatrial reset --yes`."
        )
    return folder.resolve()


def _prepare_as_root(folder: Path) -> Path:
    if folder.is_dir() and not folder.is_symlink() and any(folder.iterdir()):
        return folder.resolve()  # made earlier by an ordinary user, whose account then runs the server
    if folder.is_symlink() and folder.is_dir() and _belongs_to(folder.resolve(), folder):
        return folder.resolve()
    target = _new_folder(folder)
    SHARED.chmod(0o755)  # the umask may have taken the x that the server needs
    target.chmod(0o711)  # the server passes through to the data; other accounts see no names
    (target / OWNER).write_text(f"{_absolute(folder)}\n", encoding="utf-8")
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        folder.rmdir()
    folder.symlink_to(target, target_is_directory=True)
    return target


def _new_folder(folder: Path) -> Path:
    # After .seatrial was deleted the user expects an empty database: an existing target has older data of this folder
    # (or serves a clone that was moved), so it is neither used nor deleted.
    SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    name = hashlib.sha256(str(_absolute(folder)).encode()).hexdigest()[:16]
    for number in itertools.count():
        target = SHARED / (name if number == 0 else f"{name}-{number}")
        try:
            target.mkdir(mode=0o755)
        except FileExistsError:
            continue
        return target
    raise AssertionError("counting never ends")


def _belongs_to(target: Path, folder: Path) -> bool:
    # A copied clone contains the link too; two clones must not serve the same data. A moved clone may keep using it.
    try:
        owner = Path((target / OWNER).read_text(encoding="utf-8").strip())
    except OSError:
        return False
    if owner == _absolute(folder):
        return True
    moved = not (owner.is_symlink() and owner.resolve() == target)
    if moved:
        (target / OWNER).write_text(f"{_absolute(folder)}\n", encoding="utf-8")
    return moved


def _absolute(folder: Path) -> Path:
    return folder.parent.resolve() / folder.name
