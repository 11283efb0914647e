"""Which operating system account runs the server: ours, or `nobody` when we are root (PostgreSQL refuses root)."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack.errors import StackError

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
        """Make the account the owner of a file or folder."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def for_data(data: Path) -> ServerUser:
    """Choose the account for a data folder: the owner it already has, else `nobody` under root."""
    if os.geteuid() != 0:
        return ServerUser()
    if data.exists() and data.stat().st_uid != 0:
        return ServerUser(data.stat().st_uid, data.stat().st_gid)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise StackError(
            f"PostgreSQL refuses to run as root and this machine has no account `{UNPRIVILEGED}`. "
            "Run seatrial as an ordinary user, or set SEATRIAL_DATABASE_URL to a database you run yourself."
        ) from None
    return ServerUser(entry.pw_uid, entry.pw_gid)
