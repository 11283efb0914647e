"""Reads postmaster.pid: whether a server runs in a data folder, whether it is ready; stops a stale one."""

import contextlib
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from seatrial.stack.processes import process_exit

START_TIME_SLACK_SECONDS = 5.0


@dataclass(frozen=True)
class Postmaster:
    """The content of postmaster.pid."""

    pid: int
    started_at: float
    port: int | None
    status: str

    @property
    def is_ready(self) -> bool:
        """Return whether the server accepts connections."""
        return self.status == "ready"


def read(data: Path) -> Postmaster | None:
    """Return what postmaster.pid of a data folder says, or None while it is absent or half written."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        port = int(lines[3]) if len(lines) > 3 else None
        return Postmaster(int(lines[0]), float(lines[2]), port, lines[7].strip() if len(lines) > 7 else "")
    except (OSError, ValueError, IndexError):
        return None


def process(data: Path) -> psutil.Process | None:
    """Return the live server process of a data folder, recognised by pid and start time."""
    state = read(data)
    if state is None:
        return None
    try:
        alive = psutil.Process(state.pid)
        same = abs(alive.create_time() - state.started_at) <= START_TIME_SLACK_SECONDS
        return alive if same and alive.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def stop(data: Path, patience_seconds: float = 20.0) -> bool:
    """End a server that runs in a data folder without its watchdog; True when there was one."""
    alive = process(data)
    if alive is None or not _runs_as_owner(alive, data):
        return False
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(psutil.NoSuchProcess):
            alive.send_signal(number)
        if not process_exit.wait([alive], patience_seconds):
            return True
    return True


def _runs_as_owner(alive: psutil.Process, data: Path) -> bool:
    # The owner of the data could write the pid of any process into postmaster.pid, and root would end that one.
    try:
        return alive.uids().real == data.stat().st_uid
    except (OSError, psutil.Error):
        return False


def wait_until_gone(data: Path, patience_seconds: float) -> None:
    """Wait for a server that is already shutting down because its watchdog saw the pipe close."""
    alive = process(data)
    if alive is not None:
        process_exit.wait([alive], patience_seconds)
