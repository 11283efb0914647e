"""A file lock that the operating system releases when its process ends."""

import fcntl
import os
from pathlib import Path

from seatrial.stack.errors import not_writable


class FileLock:
    """An exclusive lock on a file between `take` and `release`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock without waiting; return False when another process (or FileLock) holds it."""
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise not_writable(self._file.parent, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def holder(self) -> int | None:
        """Return the pid of the process that holds the lock, or None."""
        probe = FileLock(self._file)
        if not self._file.exists() or probe.take():
            probe.release()
            return None
        text = self._file.read_text(encoding="ascii").strip()
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        """Release the lock; do nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
