"""Stops processes that a killed `up` left; they end by themselves soon, and the next start makes sure."""

import contextlib
import signal
from pathlib import Path

import psutil

from seatrial.stack.processes import process_exit, record

PATIENCE_SECONDS = 8.0


def stop(run: Path) -> list[str]:
    """Stop every recorded process that is alive, delete all records, and return the names of those that were alive."""
    alive = {}
    for entry in record.read_all(run):
        process = entry.process
        if process is not None:
            alive[entry.service] = process
    server = alive.get("postgres")
    end([process for name, process in alive.items() if name != "postgres"])
    if server is not None:
        end([server], signal.SIGINT)  # SIGTERM would wait for every client to leave
    for file in run.glob("*.json"):
        with contextlib.suppress(OSError):
            file.unlink()
    return list(alive)


def end(processes: list[psutil.Process], first_signal: signal.Signals = signal.SIGTERM) -> None:
    """End processes and their children: by `first_signal`, then by SIGKILL."""
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            family.extend(process.children(recursive=True))
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(first_signal)
    alive_after_signal = process_exit.wait(family, PATIENCE_SECONDS)
    for process in alive_after_signal:
        with contextlib.suppress(psutil.Error):
            process.kill()
    process_exit.wait(alive_after_signal, 5.0)
