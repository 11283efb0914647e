"""The files run/<service>.json: which process is which, known by pid and start time so a reused pid is left alone."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

SLACK_SECONDS = 1.0


@dataclass(frozen=True)
class ProcessLabel:
    """What is known of a part before the system says which process it is."""

    service: str
    port: int | None = None
    restarts: int = 0
    database: str = ""


@dataclass(frozen=True)
class ProcessRecord:
    """One process of the stack; `start_time` is what the system says, in epoch seconds."""

    service: str
    pid: int
    port: int | None
    start_time: float
    restarts: int = 0
    database: str = ""

    @property
    def process(self) -> psutil.Process | None:
        """Return the live process, or None when it ended (even when its pid belongs to another one now)."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.start_time) <= SLACK_SECONDS
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def write(folder: Path, part: ProcessLabel, pid: int) -> ProcessRecord:
    """Note that a part runs as `pid`."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.Error:
        started = 0.0  # it has ended already; the record then matches no process
    record = ProcessRecord(part.service, pid, part.port, started, part.restarts, part.database)
    file = folder / f"{part.service}.json"
    staging = file.with_suffix(f".{os.getpid()}.new")
    staging.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    staging.replace(file)
    return record


def read(folder: Path, service: str) -> ProcessRecord | None:
    """Return what is noted about `service`, or None when nothing readable is."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return ProcessRecord(**json.loads((folder / f"{service}.json").read_text(encoding="utf-8")))
    return None


def read_all(folder: Path) -> list[ProcessRecord]:
    """Return every readable record of a run folder."""
    found = (read(folder, file.stem) for file in sorted(folder.glob("*.json")))
    return [record for record in found if record is not None]


def forget(folder: Path, service: str) -> None:
    """Remove what is noted about `service`."""
    with contextlib.suppress(OSError):
        (folder / f"{service}.json").unlink(missing_ok=True)
