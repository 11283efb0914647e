"""Measures how long the event loop is held at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from time import monotonic

PAUSE_SECONDS = 0.002


class LoopTimes:
    """How long the event loop was held at a time, in seconds."""

    def __init__(self) -> None:
        self.seconds = [0.0]

    @property
    def longest(self) -> float:
        """Return the longest time that the loop was held."""
        return max(self.seconds)

    @property
    def median(self) -> float:
        """Return the usual time."""
        return median(self.seconds)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            started_at = monotonic()
            await asyncio.sleep(PAUSE_SECONDS)
            self.seconds.append(monotonic() - started_at - PAUSE_SECONDS)


@asynccontextmanager
async def measured_loop() -> AsyncIterator[LoopTimes]:
    """Measure this event loop while the block runs."""
    times = LoopTimes()
    task = asyncio.create_task(times.run())
    try:
        yield times
    finally:
        task.cancel()
