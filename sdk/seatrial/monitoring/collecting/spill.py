"""Stores batches that could not be sent on disk, one file each, until a metrics service accepts them.

A batch keeps its producer and sequence, so a batch that was committed without a response is not counted twice.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial_core.json_types import Json

MAX_BYTES = 64 << 20
SUFFIX = ".batch.json"
DIRECTORY_VARIABLE = "SEATRIAL_SPILL_DIR"


@dataclass(frozen=True)
class RecordBatch:
    """Events that are sent together under one key.

    Args:
        producer: The id of the process that numbered it.
        sequence: Its number, from 1.
        events: The events as JSON objects.
    """

    producer: str
    sequence: int
    events: tuple[Json, ...]

    @property
    def key(self) -> str:
        """Return the batch header's value."""
        return f"{self.producer}/{self.sequence}"


def directory(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Path:
    """Return the spill folder: SEATRIAL_SPILL_DIR, else the nearest `.seatrial` upwards, else the user's state folder.

    The state folder follows the XDG specification on every system. platformdirs would move it on macOS, where batches
    of an earlier version may wait, and add a package to the base install.
    """
    if environment.get(DIRECTORY_VARIABLE):
        return Path(environment[DIRECTORY_VARIABLE])
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        home = folder / ".seatrial"
        if home.is_dir() and os.access(home, os.W_OK | os.X_OK):
            return home / "spill"
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "seatrial" / "spill"


class SpillFolder:
    """A folder of spilled batches; their names sort by age.

    Args:
        folder: Created with the first batch.
        max_bytes: When the files exceed this size, the oldest are deleted.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def put(self, batch: RecordBatch) -> int:
        """Store a batch; return how many older events were deleted to make room.

        Raises:
            OSError: The folder cannot be created or written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{batch.producer}-{batch.sequence:08d}-{len(batch.events)}{SUFFIX}"
        partial = self.folder / f"{name}.{os.getpid()}.{threading.get_ident()}.part"
        document = {"producer": batch.producer, "sequence": batch.sequence, "events": batch.events}
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(document, file, separators=(",", ":"))
            partial.replace(self.folder / name)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        return self._make_room()

    def waiting(self) -> list[Path]:
        """Return the files of all spilled batches, oldest first."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.name.endswith(SUFFIX))
        except OSError:
            return []

    def read(self, path: Path) -> RecordBatch | None:
        """Return a spilled batch, or None if it is missing or unreadable."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            return RecordBatch(document["producer"], document["sequence"], tuple(document["events"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self, path: Path) -> None:
        """Delete a batch that was sent or is unreadable."""
        with suppress(OSError):
            path.unlink()

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Lock the folder while its batches are sent; yields False if another process has the lock."""
        try:
            handle = os.open(self.folder / ".sending", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            yield False
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            yield False
            return
        try:
            yield True
        finally:
            os.close(handle)

    def _make_room(self) -> int:
        lost = 0
        files = [(path, path.stat().st_size) for path in self.waiting() if path.exists()]
        total = sum(size for _, size in files)
        for path, size in files:
            if total <= self._max_bytes:
                break
            self.remove(path)
            total -= size
            lost += events_in(path)
        return lost


def events_in(path: Path) -> int:
    """Return the number of events in a spilled file, from its name."""
    count = path.name.removesuffix(SUFFIX).rpartition("-")[2]
    return int(count) if count.isdigit() else 0
