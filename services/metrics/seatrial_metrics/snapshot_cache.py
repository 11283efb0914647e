"""Holds the last committed figures: read again after every commit and on an interval, kept while Postgres is away."""

import asyncio

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_metrics.figures import Figures
from seatrial_metrics.store import figures as stored
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import StopSignal

MIN_PAUSE_SECONDS = 0.25
PAGE_AGE_SECONDS = 1.0
PAGE_PATIENCE_SECONDS = 2.0


class SnapshotCache:
    """The figures in memory.

    Args:
        database: Where the ledger is.
        clock: Stamps the figures and limits their windows.
        interval_seconds: Longest age of the figures without a commit of this process (other replicas commit too).
    """

    def __init__(self, database: Database, clock: Clock, interval_seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._reading = asyncio.Lock()
        self._started_count = 0
        self._last_number = 0
        self._started_at = float("-inf")
        self._failed_at = float("-inf")
        self._committed = 0
        self._changed = asyncio.Event()
        self._readings: set[asyncio.Future[Figures]] = set()
        self.last: Figures | None = None

    def committed(self, sequence: int) -> None:
        """Note that the ledger has grown."""
        self._committed = max(self._committed, sequence)
        self._changed.set()

    async def fresh(self) -> Figures:
        """Return figures that were read after this call; concurrent callers share one reading.

        Raises:
            DatabaseUnreachable: Postgres does not answer.
        """
        first_after_this_call = self._started_count + 1
        async with self._reading:
            if self.last is None or self._last_number < first_after_this_call:
                self._started_count += 1
                number, started_at = self._started_count, self._clock.monotonic()
                self.last = await self._read()
                self._last_number, self._started_at = number, started_at
            return self.last

    async def for_page(self) -> None:
        """Bring the figures up to date if that is soon done; the page shows the old ones otherwise, with their age."""
        now = self._clock.monotonic()
        is_current = (
            self.last is not None
            and self.last.sequence >= self._committed
            and now - self._started_at < PAGE_AGE_SECONDS
        )
        if is_current or now - self._failed_at < PAGE_AGE_SECONDS:
            return
        # Only the waiting has a limit: a reading broken off halfway would leave its connection behind.
        reading = asyncio.ensure_future(self.fresh())
        self._readings.add(reading)
        reading.add_done_callback(self._note)
        await asyncio.wait([reading], timeout=PAGE_PATIENCE_SECONDS)
        if not reading.done():
            self._failed_at = self._clock.monotonic()

    async def run(self, stop: StopSignal) -> None:
        """Read again after commits and on the interval, until asked to stop."""
        while not stop.is_set():
            try:
                await self.fresh()
            except DatabaseUnreachable as error:
                logs.get().warning("figures_not_read", error=error.detail)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
                logs.get().error("figures_failed", exc_info=error)
            await stop.pause(MIN_PAUSE_SECONDS)
            await stop.pause(self._interval_seconds, wake=self._changed)
            self._changed.clear()

    def _note(self, reading: asyncio.Future[Figures]) -> None:
        self._readings.discard(reading)
        if reading.cancelled():
            return
        error = reading.exception()
        if error is not None:
            self._failed_at = self._clock.monotonic()
            if not isinstance(error, DatabaseUnreachable):
                logs.get().error("figures_failed", exc_info=error)

    async def _read(self) -> Figures:
        async with self._database.transaction() as session:
            return await stored.read(session, self._clock.now())
