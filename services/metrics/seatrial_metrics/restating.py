"""Computes equity again after late events, in the background and in short transactions."""

from seatrial_core.contracts.clock import Clock
from seatrial_metrics.portfolio import PortfolioOptions
from seatrial_metrics.store import restatement_step, restatements
from seatrial_service.db.session import Database
from seatrial_service.loops import BackgroundLoop, LoopSchedule

INTERVAL_SECONDS = 1.0
MAX_STEPS = 200  # of one environment before the next one has its turn


class Restating:
    """Restates the environments whose past has changed; the replicas of the service share the work.

    Args:
        database: The database of the ledger.
        clock: The instant of writing.
        options: The currency and the time zone of portfolios.
    """

    def __init__(self, database: Database, clock: Clock, options: PortfolioOptions) -> None:
        self._database = database
        self._clock = clock
        self._options = options

    def loop(self) -> BackgroundLoop:
        """Return the loop that looks for requests."""
        return BackgroundLoop("restating", self._run_once, LoopSchedule(INTERVAL_SECONDS))

    async def _run_once(self) -> bool:
        async with self._database.transaction() as session:
            environments = await restatements.requested(session)
        more = [await self._restate(environment) for environment in environments]
        return any(more)

    async def _restate(self, environment: str) -> bool:
        for _ in range(MAX_STEPS):
            async with self._database.transaction() as session:
                if not await restatement_step.step(session, environment, self._options, self._clock.now()):
                    return False
        return True
