"""Gathers concurrent batches into one transaction; a batch is answered only after its commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable, SeatrialError, Unavailable
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.deduplication import BatchResult
from seatrial_metrics.store import partitions
from seatrial_metrics.store.commit import CommittedGroup, commit
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import StopSignal

GROUP_EVENTS = 20_000
WAITING_EVENTS = 200_000
IDLE_SECONDS = 60.0
RETRY_AFTER = {"Retry-After": "2"}


@dataclass(frozen=True)
class PendingBatch:
    """A batch and whoever waits for it."""

    batch: EventBatch
    answer: asyncio.Future[BatchResult]

    @property
    def size(self) -> int:
        """Return how much of a group this batch fills."""
        return max(1, len(self.batch.events))


class Committer:
    """Commits batches, one transaction at a time.

    Args:
        database: Where the ledger is.
        clock: Says when a group was received.
        committed: Called with the last sequence after every commit.
    """

    def __init__(self, database: Database, clock: Clock, committed: Callable[[int], None]) -> None:
        self._database = database
        self._clock = clock
        self._committed = committed
        self._queue: deque[PendingBatch] = deque()
        self._filled = asyncio.Event()
        self.waiting_events = 0

    async def submit(self, batch: EventBatch) -> BatchResult:
        """Return what became of a batch, after its commit.

        Raises:
            Unavailable: The database is away, or too much waits already; nothing of the batch was acknowledged.
        """
        if self.waiting_events >= WAITING_EVENTS:
            raise Unavailable(
                f"{self.waiting_events} events wait for the database already; send again in 2 s", headers=RETRY_AFTER
            )
        waiting = PendingBatch(batch, asyncio.get_running_loop().create_future())
        self.waiting_events += waiting.size
        self._queue.append(waiting)
        self._filled.set()
        return await waiting.answer

    async def run(self, stop: StopSignal) -> None:
        """Commit groups until asked to stop; who still waits then is told to send again."""
        try:
            while not stop.is_set():
                await stop.pause(IDLE_SECONDS, wake=self._filled)
                self._filled.clear()
                group = self._gather()
                if group:
                    await self._settle(group)
                if self._queue:
                    self._filled.set()
                self.waiting_events -= sum(waiting.size for waiting in group)
        finally:
            self._refuse_the_rest()

    def _gather(self) -> list[PendingBatch]:
        """Take from the queue what fits into one transaction, at least one batch."""
        group: list[PendingBatch] = []
        size = 0
        while self._queue and (not group or size + self._queue[0].size <= GROUP_EVENTS):
            group.append(self._queue.popleft())
            size += group[-1].size
        return group

    async def _settle(self, group: list[PendingBatch]) -> None:
        try:
            done = await self._commit(group)
        except SeatrialError as error:
            _fail(group, DatabaseUnreachable(error.detail, headers=RETRY_AFTER))
        except Exception as error:  # noqa: BLE001  # the loop that must survive a bad group
            logs.get().error("group_failed", batches=len(group), exc_info=error)
            if len(group) == 1:
                _fail(group, SeatrialError("the batch could not be stored; the log has the request id"))
                return
            for waiting in group:  # one bad batch must not fail its neighbours
                await self._settle([waiting])
        else:
            for waiting, taken in zip(group, done.results, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(taken)
            self._committed(done.sequence)

    async def _commit(self, group: list[PendingBatch]) -> CommittedGroup:
        now = self._clock.now()
        await partitions.ensure(self._database, now.date())
        async with self._database.transaction() as session:
            return await commit(session, [waiting.batch for waiting in group], now)

    def _refuse_the_rest(self) -> None:
        rest = list(self._queue)
        self._queue.clear()
        _fail(rest, Unavailable("the service is stopping; send again", headers=RETRY_AFTER))


def _fail(group: list[PendingBatch], error: SeatrialError) -> None:
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
