"""Creates partitions ahead of time, and deletes expired keys and old partitions."""

from datetime import timedelta

from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.contracts.clock import Clock
from seatrial_metrics.store import partitions
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

INTERVAL_SECONDS = 3_600.0
BACKOFF = ExponentialBackoff(first_seconds=5.0, max_seconds=300.0)


class Retention:
    """Maintains the tables of the ledger once an hour.

    Args:
        database: The database of the ledger.
        clock: The current time.
        retention_days: Days that events are kept; 0 keeps them without limit.
    """

    def __init__(self, database: Database, clock: Clock, retention_days: int) -> None:
        self._database = database
        self._clock = clock
        self._retention_days = retention_days

    def loop(self) -> BackgroundLoop:
        """Return the loop that maintains the tables."""
        return BackgroundLoop("retention", self._run_once, LoopSchedule(INTERVAL_SECONDS, backoff=BACKOFF))

    async def _run_once(self) -> None:
        now = self._clock.now()
        await partitions.ensure(self._database, now.date())
        async with self._database.transaction() as session:
            await partitions.delete_expired(session, now)
        if not self._retention_days:
            return
        async with self._database.transaction() as session:
            dropped = await partitions.drop_older(session, now.date() - timedelta(days=self._retention_days))
        if dropped:
            logs.get().info("partitions_dropped", partitions=dropped)
