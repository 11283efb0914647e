"""Commits concurrent batches in shared transactions; a batch is answered only after its commit."""

from collections.abc import Callable, Sequence

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import TooManyRequests, Unavailable
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.deduplication import BatchResult
from seatrial_metrics.portfolio import PortfolioOptions
from seatrial_metrics.store import partitions
from seatrial_metrics.store.commit import commit
from seatrial_service.db.session import Database
from seatrial_service.group_commit import GroupCommit, GroupLimits
from seatrial_service.loops import BackgroundLoop

LIMITS = GroupLimits(
    noun="events",
    group=5_000,
    waiting=200_000,
    retry_after_seconds=2,
    retries_singly=True,
    failure=Unavailable,
    overload=TooManyRequests,
)


class Committer:
    """Commits batches to the ledger, one transaction at a time.

    Args:
        database: The database of the ledger.
        clock: The time at which a group is received.
        options: The currency and the time zone of portfolios.
        committed: Called with the last sequence after every commit.
    """

    def __init__(
        self, database: Database, clock: Clock, options: PortfolioOptions, committed: Callable[[int], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._options = options
        self._committed = committed
        self._group: GroupCommit[EventBatch, BatchResult] = GroupCommit(self._commit, LIMITS, _size_of)

    @property
    def waiting_events(self) -> int:
        """Return the number of events that wait for their commit."""
        return self._group.waiting

    async def submit(self, batch: EventBatch) -> BatchResult:
        """Commit a batch and return its result.

        Raises:
            TooManyRequests: Too many events wait; nothing of the batch is acknowledged.
            Unavailable: The database does not answer; nothing of the batch is acknowledged.
        """
        return await self._group.submit(batch)

    def loop(self) -> BackgroundLoop:
        """Return the loop that commits the batches."""
        return self._group.loop("committer")

    async def _commit(self, batches: Sequence[EventBatch]) -> Sequence[BatchResult]:
        now = self._clock.now()
        await partitions.ensure(self._database, now.date())
        async with self._database.transaction() as session:
            group = await commit(session, batches, now, self._options)
        self._committed(group.sequence)
        return group.results


def _size_of(batch: EventBatch) -> int:
    return max(1, len(batch.events))
