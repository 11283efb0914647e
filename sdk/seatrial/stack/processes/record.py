"""The files run/<service>.json: the process of each part, identified by pid and start time because pids are reused."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from seatrial_core import private_files

SLACK_SECONDS = 1.0


@dataclass(frozen=True)
class ProcessLabel:
    """The name and address of a part, before its process is started; the supervisor has the addresses of all."""

    service: str
    port: int | None = None
    restarts: int = 0
    database: str = ""
    urls: Sequence[str] = ()


@dataclass(frozen=True)
class ProcessRecord:
    """One process of the stack; `start_time` is what the system says, in epoch seconds."""

    service: str
    pid: int
    port: int | None
    start_time: float
    restarts: int = 0
    database: str = ""
    urls: Sequence[str] = ()

    @property
    def process(self) -> psutil.Process | None:
        """Return the live process, or None when it ended (even when its pid belongs to another one now)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.start_time) <= SLACK_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def write(folder: Path, part: ProcessLabel, pid: int) -> ProcessRecord:
    """Store that a part runs as `pid`."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.Error:
        started = 0.0  # it has ended already; the record then matches no process
    record = ProcessRecord(part.service, pid, part.port, started, part.restarts, part.database, list(part.urls))
    file = folder / f"{part.service}.json"
    private_files.write_text(file, json.dumps(asdict(record)) + "\n")
    return record


def read(folder: Path, service: str) -> ProcessRecord | None:
    """Return the record of `service`, or None when there is no readable one."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return ProcessRecord(**json.loads((folder / f"{service}.json").read_text(encoding="utf-8")))
    return None


def read_all(folder: Path) -> list[ProcessRecord]:
    """Return every readable record of a run folder."""
    records = (read(folder, file.stem) for file in sorted(folder.glob("*.json")))
    return [record for record in records if record is not None]


def forget(folder: Path, service: str) -> None:
    """Delete the record of `service`."""
    with contextlib.suppress(OSError):
        (folder / f"{service}.json").unlink(missing_ok=True)
