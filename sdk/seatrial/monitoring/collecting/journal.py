"""Keeps each record on disk from the moment it is recorded until its batch is sent or spilled.

A process can end without a chance to send: a pool terminates its workers, `os._exit` runs no handlers, the system kills
what needs too much memory. Its journal stays, and another process of the same folder sends it under the same batch keys
and event ids, so that a batch that had arrived counts once.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quote
from pathlib import Path

from seatrial_core import private_files
from seatrial_core.json_types import Json

SUFFIX = ".journal"
Record = tuple[datetime, Json]  # occurred_at, and the event without id and occurred_at


class JournalFile:
    """The records of one process from one batch on; its lock is held as long as the process lives.

    Args:
        folder: The spill folder; created if it is missing.
        producer: The id of the process.
        sequence: The number of the first batch of these records.
        destination: The key of the stack that they are meant for.

    Raises:
        OSError: The file cannot be created.
    """

    def __init__(self, folder: Path, producer: str, sequence: int, destination: str) -> None:
        if folder.exists():
            private_files.require_own(folder)
        else:
            private_files.make_folder(folder, parents=True)
        self.path = folder / f"{producer}-{sequence:08d}-{destination}{SUFFIX}"
        self.sequence = sequence
        self.records = 0
        self.is_complete = True
        partial = self.path.with_name(f"{self.path.name}.part")  # not seen by others before it is locked
        self._descriptor = private_files.open_append(partial)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.rename(self.path)
        except OSError:
            os.close(self._descriptor)
            partial.unlink(missing_ok=True)
            raise

    def append(self, occurred_at: datetime, event: Json) -> OSError | None:
        """Write one record at once; return the error from which on the file is incomplete."""
        self.records += 1
        if not self.is_complete:
            return None
        line = f"{occurred_at.timestamp()!r} {encode(event)}\n".encode("ascii")
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            self.is_complete = False
            return error
        self.is_complete = written == len(line)
        return None if self.is_complete else OSError("the disk is full")

    def readdress(self, destination: str) -> None:
        """Mean the records for another stack, because the program has changed the address."""
        self.path = readdress(self.path, destination)

    def release(self) -> None:
        """Let another sender of the folder, or this one later, send the file."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Delete the file, because every record was sent or spilled."""
        with suppress(OSError):
            self.path.unlink()
        os.close(self._descriptor)


@dataclass(frozen=True)
class AbandonedJournal:
    """The records of a process that has ended.

    Args:
        path: The file.
        producer: The id of the process.
        sequence: The number of the first batch.
        records: Its complete records.
        damaged: How many lines are no records; the last line may have been cut off before its call returned.
    """

    path: Path
    producer: str
    sequence: int
    records: tuple[Record, ...]
    damaged: int


def files(folder: Path) -> list[Path]:
    """Return every journal of a folder, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError:
        return []


def destination_of(path: Path) -> str:
    """Return the key of the stack that a journal is meant for."""
    return path.name.removesuffix(SUFFIX).split("-", 2)[-1]


def readdress(path: Path, destination: str) -> Path:
    """Rename a journal so that it is sent to another stack; return its path."""
    producer, sequence, *_ = path.name.removesuffix(SUFFIX).split("-", 2)
    renamed = path.with_name(f"{producer}-{sequence}-{destination}{SUFFIX}")
    try:
        return path.replace(renamed)
    except OSError:
        return path


@contextmanager
def abandoned(path: Path) -> Iterator[AbandonedJournal | None]:
    """Lock and read the journal of a process that has ended; None while its process lives or if it is not readable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _read(path) if private_files.is_own(path) else None
    except BlockingIOError:
        yield None
    finally:
        os.close(descriptor)


def encode(event: Mapping[str, object]) -> str:
    """Return an event as JSON; several times as fast as `json.dumps` for the flat events of a collector."""
    return (
        "{"
        + ",".join(
            [
                f"{_quote(name)}:{_quote(value) if type(value) is str else _value(value)}"
                for name, value in event.items()
            ]
        )
        + "}"
    )


def _value(value: object) -> str:
    return repr(value) if type(value) is float and value - value == 0 else json.dumps(value)


def _read(path: Path) -> AbandonedJournal | None:
    producer, sequence, *_ = path.name.removesuffix(SUFFIX).split("-", 2)
    if not sequence.isdigit() or not path.exists():
        return None  # another process has sent it between the listing and the lock
    records, damaged = [], 0
    *lines, torn = path.read_bytes().split(b"\n")
    for line in (*lines, *([torn] if torn else [])):
        try:
            instant, _, event = line.partition(b" ")
            records.append((datetime.fromtimestamp(float(instant), UTC), dict(json.loads(event))))
        except (ValueError, TypeError, OverflowError):
            damaged += line is not torn
    return AbandonedJournal(path, producer, int(sequence), tuple(records), damaged)
