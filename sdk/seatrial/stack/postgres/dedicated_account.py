"""The number of an account that one server folder has for itself, and no name, process or other stack.

Every process of an account can signal and trace the others and change their files, so root must not run the server as
an account that anything else uses. A number needs no entry in /etc/passwd.
"""

import contextlib
import grp
import os
import pwd
import random
from collections.abc import Iterator
from pathlib import Path

import psutil

from seatrial.stack.errors import StackError
from seatrial_core import private_files

CLAIMS = Path("/var/lib/seatrial/accounts")
# Numbers that distributions and systemd leave unused; the second range exists in containers with 65,536 users too.
RANGES = (range(70_000, 90_000), range(60_600, 61_184))
ATTEMPTS = 200


def claimed(server_folder: Path) -> int | None:
    """Return the number of a server folder, or None when it has none that is still its own."""
    for file in CLAIMS.iterdir() if CLAIMS.is_dir() else ():
        if file.name.isdigit() and _folder_of(file) == str(server_folder) and not _is_named(int(file.name)):
            return int(file.name)
    return None


def claim(server_folder: Path) -> int:
    """Return the number of a server folder; the first call chooses one.

    Raises:
        StackError: This machine has no number left.
    """
    number = claimed(server_folder)
    if number is not None:
        return number
    private_files.make_folder(CLAIMS, parents=True)
    forget(server_folder)
    _forget_deleted()
    used = set(_used_by_processes())
    for candidate in _candidates():
        if candidate not in used and not _is_named(candidate) and _take(candidate, server_folder):
            return candidate
    raise StackError(
        f"PostgreSQL refuses to run as root, and no free user id was found for it (from {RANGES[0][0]} to "
        f"{RANGES[0][-1]} or from {RANGES[1][0]} to {RANGES[1][-1]}). Run seatrial as an ordinary user, or set "
        "SEATRIAL_DATABASE_URL to a database you run yourself."
    )


def forget(server_folder: Path) -> None:
    """Give the number of a deleted server folder back."""
    for file in CLAIMS.iterdir() if CLAIMS.is_dir() and os.geteuid() == 0 else ():
        if _folder_of(file) == str(server_folder):
            file.unlink(missing_ok=True)


def _candidates() -> Iterator[int]:
    mapped = [(first, first + count) for first, count in _mapped_users()]
    for numbers in RANGES:
        inside = [number for number in numbers if any(first <= number < end for first, end in mapped)]
        yield from random.SystemRandom().sample(inside, min(ATTEMPTS, len(inside)))


def _mapped_users() -> Iterator[tuple[int, int]]:
    # In a container with a user namespace only these numbers exist.
    try:
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        lines = ["0 0 4294967295"]
    for line in lines:
        first, _, count = line.split()
        yield int(first), int(count)


def _used_by_processes() -> Iterator[int]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield from process.uids()
            yield from process.gids()


def _is_named(number: int) -> bool:
    for look in (pwd.getpwuid, grp.getgrgid):
        with contextlib.suppress(KeyError):
            look(number)
            return True
    return False


def _take(number: int, server_folder: Path) -> bool:
    try:
        descriptor = os.open(CLAIMS / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(f"{server_folder}\n")
    return True


def _forget_deleted() -> None:
    for file in CLAIMS.iterdir():
        folder = _folder_of(file)
        if folder and not os.path.lexists(folder):
            file.unlink(missing_ok=True)


def _folder_of(file: Path) -> str:
    # Empty while another process is writing it.
    with contextlib.suppress(OSError):
        return file.read_text(encoding="utf-8").removesuffix("\n")
    return ""
