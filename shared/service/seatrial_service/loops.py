"""Runs the service's loops, and ends them between two rounds: a connection broken off halfway would linger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

STOP_SECONDS = 8.0

Loop = Callable[["StopSignal"], Awaitable[None]]


class StopSignal:
    """The wish to end, which loops look at between their rounds."""

    def __init__(self) -> None:
        self._wished = asyncio.Event()

    @property
    def wished(self) -> bool:
        """Tell whether the loops shall end."""
        return self._wished.is_set()

    def wish(self) -> None:
        """Ask every loop to end."""
        self._wished.set()

    async def pause(self, seconds: float | None, ended_by: asyncio.Event | None = None) -> None:
        """Wait some seconds (None: for ever), or until the end is wished or the other event is set."""
        events = [self._wished] if ended_by is None else [self._wished, ended_by]
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


@contextlib.asynccontextmanager
async def running(loops: Sequence[Loop]) -> AsyncIterator[None]:
    """Run loops while the block lasts; cancel only what does not end by itself in time."""
    stop = StopSignal()
    tasks = [asyncio.ensure_future(loop(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.wish()
        _, unwilling = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in unwilling:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
