"""Waiting for processes that are not our children; one that ended but was not reaped by its parent counts as ended."""

import time
from collections.abc import Iterable

import psutil

POLL_SECONDS = 0.02


def has_ended(process: psutil.Process) -> bool:
    """Return whether a process has ended."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def wait(processes: Iterable[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait until all have ended or the time is over; return those that are still alive."""
    deadline = time.monotonic() + timeout_seconds
    alive = [process for process in processes if not has_ended(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        alive = [process for process in alive if not has_ended(process)]
    return alive
