"""Stops the stack of a folder: the supervisor by a signal, then processes that a killed one left."""

import contextlib

import psutil

from seatrial.stack.errors import StackError, not_writable
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import postmaster, server_folder
from seatrial.stack.processes import process_exit, record, stale_processes
from seatrial.stack.processes.lock import FileLock
from seatrial.stack.stack import SUPERVISOR

PATIENCE_SECONDS = 90.0
KILL_SECONDS = 10.0


def supervisor_pid(layout: Layout) -> int | None:
    """Return the pid of the `up` that runs in a folder, or None."""
    return FileLock(layout.lock).holder() if layout.lock.exists() else None


def stop(layout: Layout) -> list[str]:
    """Stop everything of a folder and return the names of the parts that were running."""
    names = [entry.service for entry in record.read_all(layout.run) if entry.process is not None]
    pid = supervisor_pid(layout)
    if pid is not None:
        _end_supervisor(layout, pid)
    stale_processes.stop(layout.run)
    if layout.postgres.exists() and postmaster.stop(layout.postgres.resolve() / "data") and "postgres" not in names:
        names.append("postgres")
    return [name for name in names if name != SUPERVISOR]


def remove(layout: Layout) -> None:
    """Stop everything of a folder and delete its .seatrial, data included."""
    import shutil

    stop(layout)
    server_folder.remove(layout.postgres)
    try:
        if layout.base.exists():
            shutil.rmtree(layout.base)
    except OSError as error:
        raise not_writable(layout.base, error) from error


def _end_supervisor(layout: Layout, pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        try:
            process = psutil.Process(pid)
            process.terminate()
            if process_exit.wait([process], PATIENCE_SECONDS):
                process.kill()  # its children end when their pipes close
                process_exit.wait([process], KILL_SECONDS)
        except psutil.AccessDenied as error:
            raise StackError(
                f"Process {pid}, which runs the stack of {layout.root}, belongs to another user. Stop it as that user."
            ) from error
