"""Stores batches that could not be sent on disk, one file each, until a metrics service accepts them.

A batch keeps its producer and sequence, so a batch that was committed without a response is not counted twice. Its file
name also has the destination: address and token, because another stack may answer at the same address later.
"""

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seatrial.monitoring.collecting import journal
from seatrial_core import private_files
from seatrial_core.addresses import origin
from seatrial_core.json_types import Json
from seatrial_core.redaction import redact_url

MAX_BYTES = 64 << 20
SUFFIX = ".batch.json"
DIRECTORY_VARIABLE = "SEATRIAL_SPILL_DIR"
OPEN = "open"


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


@dataclass(frozen=True)
class SpillDestination:
    """The stack that batches are meant for.

    Args:
        url: The address of its metrics service.
        token: The token for it, empty for none.
        adopts_unnamed: Whether batches without a destination, of an earlier version, are meant for it.
    """

    url: str
    token: str
    adopts_unnamed: bool = False

    @property
    def key(self) -> str:
        """Return the address and token as part of a file name, neither readable."""
        return f"{self._address_key}.{_digest(self.token) if self.token else OPEN}"

    @property
    def _address_key(self) -> str:
        address = origin(self.url)
        return _digest(repr(tuple(address) if address else self.url))

    def is_meant(self, key: str) -> bool:
        """Return whether a batch with this key, empty for none, is to be sent here.

        A batch from before the stack had a token goes to the address it was meant for.
        """
        return key in (self.key, f"{self._address_key}.{OPEN}") if key else self.adopts_unnamed

    def is_of_another_stack(self, key: str) -> bool:
        """Return whether a batch with this key was meant for another stack at this address, or for an unknown one."""
        return not self.is_meant(key) and (not key or key.startswith(f"{self._address_key}."))


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
        if home.is_dir() and private_files.is_own(home) and os.access(home, os.W_OK | os.X_OK):
            return home / "spill"
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "seatrial" / "spill"


class SpillFolder:
    """A folder of spilled batches; their names sort by age.

    Args:
        folder: Created with the first batch.
        destination: The stack whose batches are written and read; None for all, without a destination.
        max_bytes: When the files exceed this size, the oldest are deleted.
    """

    def __init__(self, folder: Path, destination: SpillDestination | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._destination = destination
        self._max_bytes = max_bytes

    @property
    def destination_key(self) -> str:
        """Return the key of the destination; empty without one."""
        return "" if self._destination is None else self._destination.key

    def put(self, batch: RecordBatch) -> int:
        """Store a batch; return how many older events were deleted to make room.

        Raises:
            OSError: The folder cannot be created or written.
        """
        if self.folder.exists():
            private_files.require_own(self.folder)
        else:
            private_files.make_folder(self.folder, parents=True)
        key = "" if self._destination is None else f"{self._destination.key}-"
        name = f"{batch.producer}-{batch.sequence:08d}-{key}{len(batch.events)}{SUFFIX}"
        partial = self.folder / f"{name}.{os.getpid()}.{threading.get_ident()}.part"
        document = {"producer": batch.producer, "sequence": batch.sequence, "events": batch.events}
        if self._destination is not None:
            document["destination"] = redact_url(self._destination.url)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            with os.fdopen(os.open(partial, flags, 0o600), "w") as file:
                json.dump(document, file, separators=(",", ":"))
            partial.replace(self.folder / name)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        return self._make_room()

    def waiting(self) -> list[Path]:
        """Return the files of the spilled batches for this destination, oldest first."""
        return [path for path in self._all() if self._destination is None or self._destination.is_meant(_key_of(path))]

    def journals(self) -> list[Path]:
        """Return the journals for this destination, of processes that live or have ended, oldest first."""
        return [
            path
            for path in journal.files(self.folder)
            if self._destination is None or self._destination.is_meant(journal.destination_of(path))
        ]

    def of_other_stacks(self) -> list[Path]:
        """Return the files that are not sent because they were meant for another stack, or for an unknown one."""
        if self._destination is None:
            return []
        return [path for path in self._all() if self._destination.is_of_another_stack(_key_of(path))]

    def readdress(self, producer: str) -> None:
        """Send the batches of a producer to this destination, because its program has changed the address."""
        for path in journal.files(self.folder):
            if self._destination is not None and path.name.startswith(f"{producer}-"):
                journal.readdress(path, self._destination.key)
        for path in self._all():
            if self._destination is not None and path.name.startswith((f"{producer}-", f"{producer}+")):
                first, sequence, *_, count = path.name.removesuffix(SUFFIX).split("-")
                with suppress(OSError):
                    path.replace(path.with_name(f"{first}-{sequence}-{self._destination.key}-{count}{SUFFIX}"))

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
            handle = os.open(self.folder / ".sending", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
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

    def _all(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.name.endswith(SUFFIX))
        except OSError:
            return []

    def _make_room(self) -> int:
        lost = 0
        files = [(path, path.stat().st_size) for path in self._all() if path.exists()]
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


def open_for(url: str, token: str, environment: Mapping[str, str] = os.environ) -> SpillFolder:
    """Return the spill folder of this process for the batches of one stack.

    Files of an earlier version name no stack. They are sent from a folder that belongs to one: SEATRIAL_SPILL_DIR, or
    the .seatrial folder whose token is used. In the user's state folder they may be of any stack and stay.
    """
    folder = directory(environment)
    adopts_unnamed = bool(environment.get(DIRECTORY_VARIABLE)) or _token_in(folder.parent) == token
    return SpillFolder(folder, SpillDestination(url, token, adopts_unnamed))


def _token_in(home: Path) -> str | None:
    if home.name != ".seatrial":
        return None
    try:
        return (home / "token").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _key_of(path: Path) -> str:
    parts = path.name.removesuffix(SUFFIX).split("-")
    return parts[2] if len(parts) == 4 else ""


def _digest(text: str) -> str:
    return hashlib.sha256(f"seatrial spill {text}".encode()).hexdigest()[:12]
