"""Which operating system account runs the server: ours, or one that no other process has when we are root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack.errors import StackError
from seatrial.stack.postgres import dedicated_account

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class ServerUser:
    """Numbers of the account that runs the server; both None means the account of this process."""

    user: int | None = None
    group: int | None = None

    @property
    def is_other(self) -> bool:
        """Return whether the server runs under another account than this process."""
        return self.user is not None

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or folder, never of what a link leads to."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group, follow_symlinks=False)

    def give_group(self, path: Path) -> None:
        """Let the group of the account pass through a folder that stays ours."""
        if self.group is not None:
            os.chown(path, -1, self.group, follow_symlinks=False)
            path.chmod(0o710)

    def give_tree(self, folder: Path) -> None:
        """Make the account the owner of a folder and of everything in it that has the same owner now."""
        if self.user is None or self.group is None:
            return
        before = folder.lstat().st_uid
        if before == self.user:
            return
        self.give(folder)  # first: the previous owner can open nothing in it by name from now on
        for _, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
            for name in (*folders, *files):
                state = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if state.st_uid == before:  # not a link that its owner made to a file of somebody else
                    os.chown(name, self.user, self.group, dir_fd=descriptor, follow_symlinks=False)


def for_data(server_folder: Path, *, claims: bool = True) -> ServerUser:
    """Choose the account of a server folder.

    Under root it is the ordinary user who made the data, else one that this server folder alone has.

    Args:
        server_folder: The folder that contains `data`.
        claims: Whether to choose and note an account when there is none yet.
    """
    if os.geteuid() != 0:
        return ServerUser()
    data = server_folder / "data"
    if data.exists() and _is_of_a_person(data.stat().st_uid):
        return ServerUser(data.stat().st_uid, data.stat().st_gid)
    number = dedicated_account.claim(server_folder) if claims else dedicated_account.claimed(server_folder)
    return ServerUser(number, number)


def for_initdb(account: ServerUser) -> ServerUser:
    """Return the account for initdb, which refuses one without a name: `nobody`, in the group of the server.

    Linux lets a process read, trace or change another one only if user and group are both the same, and the folder
    that initdb fills opens to this group alone; so the other processes of `nobody` stay outside.
    """
    if account.user is None or _has_name(account.user):
        return account
    try:
        return ServerUser(pwd.getpwnam(UNPRIVILEGED).pw_uid, account.group)
    except KeyError:
        raise StackError(
            f"PostgreSQL refuses to run as root and this machine has no account `{UNPRIVILEGED}`. "
            "Run seatrial as an ordinary user, or set SEATRIAL_DATABASE_URL to a database you run yourself."
        ) from None


def name_for_initdb() -> list[str]:
    """Return the words before a command that give this process a name, which initdb asks for.

    A container may run as a number without an entry in /etc/passwd. In a user namespace of Linux the command sees
    itself as `nobody`, and the files it makes still belong to the number.

    Raises:
        StackError: This machine allows no user namespace.
    """
    if os.geteuid() == 0 or _has_name(os.geteuid()):
        return []
    unshare = shutil.which("unshare")
    if unshare is not None and _has_account(UNPRIVILEGED):
        words = [unshare, "--user", f"--map-user={pwd.getpwnam(UNPRIVILEGED).pw_uid}", "--"]
        if subprocess.run([*words, "true"], capture_output=True, check=False, timeout=30).returncode == 0:
            return words
    line = f"seatrial:x:{os.geteuid()}:{os.getegid()}::/tmp:/bin/sh"
    raise StackError(
        f"PostgreSQL's initdb needs an account with a name, and the user id {os.geteuid()} has none here. Add the line "
        f"`{line}` to /etc/passwd, or set SEATRIAL_DATABASE_URL to a database you run yourself."
    )


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _is_of_a_person(user: int) -> bool:
    # Data of `nobody` was made by root with an earlier version.
    return user != 0 and _has_name(user) and pwd.getpwuid(user).pw_name != UNPRIVILEGED


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True
