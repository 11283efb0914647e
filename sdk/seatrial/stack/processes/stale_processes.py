"""Processes of an `up` that was killed: they end by themselves soon; here is where the next one makes sure."""

import contextlib
import signal
from pathlib import Path

import psutil

from seatrial.stack.processes import process_exit, record

PATIENCE_SECONDS = 8.0


def stop(run: Path) -> list[str]:
    """End every recorded process that still lives and forget all records; returns the names of those that lived."""
    alive = {}
    for noted in record.read_all(run):
        process = noted.process
        if process is not None:
            alive[noted.service] = process
    server = alive.get("postgres")
    end([process for name, process in alive.items() if name != "postgres"])
    if server is not None:
        end([server], signal.SIGINT)  # SIGTERM would wait for every client to leave
    for file in run.glob("*.json"):
        with contextlib.suppress(OSError):
            file.unlink()
    return list(alive)


def end(processes: list[psutil.Process], politely: signal.Signals = signal.SIGTERM) -> None:
    """End processes and their children: politely, then by force."""
    family = list(processes)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            family.extend(process.children(recursive=True))
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(politely)
    stubborn = process_exit.wait(family, PATIENCE_SECONDS)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    process_exit.wait(stubborn, 5.0)
