"""Caches the last committed figures: read after every commit and at an interval, kept while Postgres is unreachable."""

import asyncio

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_metrics.figures import Figures
from seatrial_metrics.store import figures as stored
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

MIN_PAUSE_SECONDS = 0.25
PAGE_MAX_AGE_SECONDS = 1.0
PAGE_TIMEOUT_SECONDS = 2.0


class SnapshotCache:
    """The last figures that were read.

    Args:
        database: The database of the ledger.
        clock: The time of the figures and of their windows.
        interval_seconds: Seconds between two readings without a commit in this process (other replicas commit too).
    """

    def __init__(self, database: Database, clock: Clock, interval_seconds: float) -> None:
        self._database = database
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._lock = asyncio.Lock()
        self._readings_started = self._last_reading = 0
        self._started_at = float("-inf")
        self._failed_at = float("-inf")
        self._committed = 0
        self._changed = asyncio.Event()
        self._readings: set[asyncio.Future[Figures]] = set()
        self.last: Figures | None = None

    def committed(self, sequence: int) -> None:
        """Request a reading after a commit whose last event has this sequence."""
        self._committed = max(self._committed, sequence)
        self._failed_at = float("-inf")  # a commit shows that Postgres answers again
        self._changed.set()

    async def fresh(self) -> Figures:
        """Return figures that are read after this call; concurrent callers share one reading.

        Raises:
            DatabaseUnreachable: Postgres does not answer.
        """
        started_before = self._readings_started
        async with self._lock:
            if self.last is None or self._last_reading <= started_before:
                self._readings_started += 1
                reading, started_at = self._readings_started, self._clock.monotonic()
                self.last = await self._read()
                self._last_reading, self._started_at = reading, started_at
            return self.last

    async def refresh_for_page(self) -> None:
        """Read outdated figures if that takes at most two seconds; else the page shows the old ones and their age."""
        now = self._clock.monotonic()
        is_current = (
            self.last is not None
            and self.last.sequence >= self._committed
            and now - self._started_at < PAGE_MAX_AGE_SECONDS
        )
        if is_current or now - self._failed_at < PAGE_MAX_AGE_SECONDS:
            return
        # The timeout ends only the waiting: a cancelled reading would leave its connection behind.
        reading = asyncio.ensure_future(self.fresh())
        self._readings.add(reading)
        reading.add_done_callback(self._finish)
        await asyncio.wait([reading], timeout=PAGE_TIMEOUT_SECONDS)
        if not reading.done():
            self._failed_at = self._clock.monotonic()

    def loop(self) -> BackgroundLoop:
        """Return the loop that reads the figures after commits and at the interval."""
        schedule = LoopSchedule(self._interval_seconds, wake=self._changed, min_pause_seconds=MIN_PAUSE_SECONDS)
        return BackgroundLoop("snapshot_cache", self._refresh, schedule)

    async def _refresh(self) -> None:
        await self.fresh()

    def _finish(self, reading: asyncio.Future[Figures]) -> None:
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
