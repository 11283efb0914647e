"""Keeps the ledger's storage in order: partitions ahead, old keys and old days away."""

from datetime import timedelta

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_metrics.store import partitions
from seatrial_service import logs
from seatrial_service.db.session import Database
from seatrial_service.loops import StopSignal

INTERVAL_SECONDS = 3_600.0


class Retention:
    """Looks after the tables once an hour.

    Args:
        database: Where the ledger is.
        clock: Says what is old.
        retention_days: How long events are kept; 0 keeps them for ever.
    """

    def __init__(self, database: Database, clock: Clock, retention_days: int) -> None:
        self._database = database
        self._clock = clock
        self._retention_days = retention_days

    async def run(self, stop: StopSignal) -> None:
        """Keep order until asked to stop."""
        while not stop.is_set():
            try:
                await self.tidy()
            except DatabaseUnreachable as error:
                logs.get().warning("tidying_put_off", error=error.detail)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad tick
                logs.get().error("tidying_failed", exc_info=error)
            await stop.pause(INTERVAL_SECONDS)

    async def tidy(self) -> list[str]:
        """Make partitions ahead, delete what nobody needs; return the partitions that were dropped."""
        now = self._clock.now()
        await partitions.ensure(self._database, now.date())
        dropped: list[str] = []
        async with self._database.transaction() as session:
            await partitions.forget_keys(session, now)
        if self._retention_days:
            async with self._database.transaction() as session:
                dropped = await partitions.drop_older(session, now.date() - timedelta(days=self._retention_days))
            if dropped:
                logs.get().info("days_dropped", partitions=dropped)
        return dropped
