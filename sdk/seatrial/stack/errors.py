"""What can stop the stack, as sentences for the person at the terminal."""

from typing import ClassVar

from seatrial_core.errors import SeatrialError


class StackError(SeatrialError):
    """Say what was wrong, what was found and what to do; the command line prints it and ends with `exit_code`."""

    code = "stack_error"
    exit_code: ClassVar[int] = 1


class UsageError(StackError):
    """A value given by the user is wrong."""

    exit_code = 2


class NoBinaries(StackError):
    """No PostgreSQL programs were found, or none of the version that the data folder needs."""


class FolderNotWritable(StackError):
    """A folder of the stack cannot be made or written."""


class AlreadyRunning(StackError):
    """Another process holds the folder."""


class PortTaken(StackError):
    """A port that the stack needs belongs to someone else."""


def not_writable(folder: object, error: OSError) -> FolderNotWritable:
    """Phrase an operating system error on a folder of the stack."""
    return FolderNotWritable(
        f"Cannot write in {folder}: {error.strerror or error}. "
        "Seatrial keeps its data in .seatrial of the working folder; run it in a folder you may write to."
    )
