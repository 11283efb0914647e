"""Creates partitions ahead of time, and deletes expired keys and old partitions."""

from datetime import timedelta

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_metrics.store import partitions
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import StopSignal

INTERVAL_SECONDS = 3_600.0


class Retention:
    """Maintains the tables once an hour.

    Args:
        database: The database of the ledger.
        clock: The current time.
        retention_days: Days that events are kept; 0 keeps them without limit.
    """

    def __init__(self, database: Database, clock: Clock, retention_days: int) -> None:
        self._database = database
        self._clock = clock
        self._retention_days = retention_days

    async def run(self, stop: StopSignal) -> None:
        """Run once an hour until stopped."""
        while not stop.is_set():
            try:
                await self.run_once()
            except DatabaseUnreachable as error:
                logs.get().warning("retention_postponed", error=error.detail)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
                logs.get().error("retention_failed", exc_info=error)
            await stop.pause(INTERVAL_SECONDS)

    async def run_once(self) -> list[str]:
        """Create partitions and delete what has expired; return the names of the dropped partitions."""
        now = self._clock.now()
        await partitions.ensure(self._database, now.date())
        dropped: list[str] = []
        async with self._database.transaction() as session:
            await partitions.delete_expired(session, now)
        if self._retention_days:
            async with self._database.transaction() as session:
                dropped = await partitions.drop_older(session, now.date() - timedelta(days=self._retention_days))
            if dropped:
                logs.get().info("partitions_dropped", partitions=dropped)
        return dropped
