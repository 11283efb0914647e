"""Reads the log files of a stack: the last lines, then new lines as they are written."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from seatrial.stack.layout import Layout

POLL_SECONDS = 0.2


def names(layout: Layout) -> list[str]:
    """Return the parts that have a log file."""
    parts = sorted(file.stem for file in layout.logs.glob("*.log")) if layout.logs.is_dir() else []
    return [*parts, "postgres"] if layout.log("postgres").exists() else parts


def read(file: Path, lines: int, follow: bool) -> Iterator[str]:
    """Yield the last `lines` lines of a file and, when asked to follow, every line that is added later."""
    # Only "\n" ends a line: what a stranger made of "\r" and more would look like a line of ours.
    with file.open(encoding="utf-8", errors="replace", newline="\n") as log:
        yield from (line.rstrip("\n") for line in deque(log, maxlen=lines))
        part = ""
        while follow:
            part += log.readline()
            if part.endswith("\n"):
                yield part.rstrip("\n")
                part = ""
            else:
                time.sleep(POLL_SECONDS)
