"""Turns Ctrl-C, SIGTERM and a closed terminal into one exception in the main thread."""

import contextlib
import os
import signal
import stat
from collections.abc import Iterator
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end."""


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise Interrupted in the main thread on any of the ending signals, inside the block."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            _leave_terminal()
        raise Interrupted(number)

    with _handled_by(interrupt):
        yield


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Ignore signals in the block: a second Ctrl-C must not leave half a stack running."""
    with _handled_by(lambda number, frame: None):
        yield


def _leave_terminal() -> None:
    # The terminal is closed; output during the shutdown must not fail on it. A log file is kept.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextlib.contextmanager
def _handled_by(handler: "signal._HANDLER") -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
