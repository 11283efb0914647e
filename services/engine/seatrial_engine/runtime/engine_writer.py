"""Processes the commands of the engine service one after the other, many per transaction."""

from collections.abc import Sequence

from seatrial_core.errors import SeatrialError, Unavailable
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import OrderKey, OrderRecord, StateChanges
from seatrial_engine.domain.commands import Command, ProcessingResult, SetTradingState, TradeRequest
from seatrial_engine.domain.order_processor import OrderProcessor
from seatrial_engine.runtime.metrics import EngineMetrics
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.store import changes as stored_changes
from seatrial_engine.store import instance as instances
from seatrial_engine.store import queries
from seatrial_engine.store import state as states
from seatrial_engine.store.instance import Instance
from seatrial_service.db.session import AsyncSession, Database
from seatrial_service.group_commit import GroupCommit, GroupLimits
from seatrial_service.loops import BackgroundLoop

LIMITS = GroupLimits(noun="orders", group=500, waiting=10_000, retries_singly=True, failure=Unavailable)


class EngineWriter:
    """Own the engine's state, as its only writer.

    A result is returned, and becomes the state, only after its changes are committed. Halt, reduce and resume go before
    the orders that wait and share no transaction with them; what the database refuses fails alone.

    Args:
        database: Where the state is stored.
        processor: Processes commands.
        relay: Woken when a commit put events into the outbox.
        metrics: Counts orders.
    """

    def __init__(
        self, database: Database, processor: OrderProcessor, relay: OutboxRelay, metrics: EngineMetrics
    ) -> None:
        self._database = database
        self._processor = processor
        self._relay = relay
        self._metrics = metrics
        self._commands: GroupCommit[Command, ProcessingResult] = GroupCommit(
            self._commit, LIMITS, is_urgent=lambda command: isinstance(command, SetTradingState)
        )
        self._instance = Instance("", 0)
        self._is_stale = True
        self.state = EngineState()

    async def begin(self, instance: Instance) -> None:
        """Load the stored state and write as this instance from now on."""
        self._instance = instance
        await self._load()

    async def submit(self, command: Command) -> ProcessingResult:
        """Return the result of a command, after its commit.

        Raises:
            Unavailable: The database does not answer, another process took over, or too many commands wait.
            Conflict: See `OrderProcessor.process`.
        """
        return await self._commands.submit(command)

    async def guard(self, session: AsyncSession) -> None:
        """Raise unless this process may write until the session's transaction ends."""
        await instances.require(session, self._instance)

    def loop(self) -> BackgroundLoop:
        """Return the loop that processes the commands."""
        return self._commands.loop("engine_writer", expected=(Unavailable,))

    async def _load(self) -> None:
        async with self._database.transaction() as session:
            self.state = await states.load(session)
        self._is_stale = False

    async def _commit(self, group: Sequence[Command]) -> Sequence[ProcessingResult | SeatrialError]:
        if self._is_stale:
            await self._load()
        self._is_stale = True  # a commit whose answer is lost may have happened: then the database decides
        async with self._database.transaction() as session:
            await self.guard(session)
            recorded = dict(await queries.find(session, _keys(group)))
            state, results = self._process(group, recorded)
            changes = StateChanges.merged(result.changes for result in results if isinstance(result, ProcessingResult))
            await stored_changes.write(session, changes)
        self.state = state
        self._is_stale = False
        self._count(changes)
        return results

    def _process(
        self, group: Sequence[Command], recorded: dict[OrderKey, OrderRecord]
    ) -> tuple[EngineState, list[ProcessingResult | SeatrialError]]:
        state = self.state
        results: list[ProcessingResult | SeatrialError] = []
        for command in group:
            try:
                result = self._processor.process(state, command, recorded)
            except SeatrialError as error:
                results.append(error)
                continue
            state = result.state
            recorded.update((record.key, record) for record in result.changes.orders)
            results.append(result)
        return state, results

    def _count(self, changes: StateChanges) -> None:
        for record in changes.orders:
            self._metrics.orders.labels(record.order.status.value).inc()
        if changes.events:
            self._relay.wake()


def _keys(group: Sequence[Command]) -> set[OrderKey]:
    keys = [command.key for command in group if isinstance(command, TradeRequest)]
    return {key for key in keys if key is not None}
