"""The memory of this process and of everything it started."""

import contextlib

import psutil


def of_family() -> int:
    """Return the resident bytes of this process and its descendants; PostgreSQL's shared pages are counted once."""
    this = psutil.Process()
    total = 0
    shared = 0
    with contextlib.suppress(psutil.Error):
        for process in [this, *this.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                used = process.memory_info()
                total += used.rss
                if process.name().startswith("postgres"):
                    pages = getattr(used, "shared", 0)
                    total -= pages
                    shared = max(shared, pages)
    return total + shared
