"""Errors of the stack.

StackError
    UsageError            an invalid value; exit code 2
    NoBinaries            no suitable PostgreSQL programs
    FolderNotWritable
    AlreadyRunning
    PortTaken
"""

from typing import ClassVar

from seatrial_core.errors import SeatrialError


class StackError(SeatrialError):
    """Base of all errors of the stack; the command line prints the message and exits with `exit_code`."""

    code = "stack_error"
    exit_code: ClassVar[int] = 1


class UsageError(StackError):
    """A value from the user is invalid."""

    exit_code = 2


class NoBinaries(StackError):
    """No PostgreSQL programs were found, or none of the version that the data folder needs."""


class FolderNotWritable(StackError):
    """A folder of the stack cannot be created or written."""


class AlreadyRunning(StackError):
    """Another process uses the folder."""


class PortTaken(StackError):
    """A port of the stack is used by another program."""


def not_writable(folder: object, error: OSError) -> FolderNotWritable:
    """Return the error for an operating system error on a file or folder of the stack."""
    return FolderNotWritable(
        f"Cannot write in {folder}: {error.strerror or error}. "
        "Seatrial keeps its data in .seatrial of the working folder; run it in a folder you may write to."
    )
