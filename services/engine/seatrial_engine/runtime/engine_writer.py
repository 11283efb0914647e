"""Processes the commands of the engine service one after the other, many per transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial_core.errors import SeatrialError, Unavailable
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import OrderKey, OrderRecord, StateChanges
from seatrial_engine.domain.commands import Command, ProcessingResult, TradeRequest
from seatrial_engine.domain.order_processor import OrderProcessor
from seatrial_engine.runtime.metrics import EngineMetrics
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.store import changes as stored_changes
from seatrial_engine.store import instance as instances
from seatrial_engine.store import queries
from seatrial_engine.store import state as states
from seatrial_engine.store.instance import Instance
from seatrial_service import logs
from seatrial_service.db.session import AsyncSession, Database

MAX_GROUP = 500
MAX_WAITING = 10_000
RETRY_AFTER = {"Retry-After": "1"}


@dataclass(frozen=True)
class PendingCommand:
    """A command in the queue and the future of its result."""

    command: Command
    answer: asyncio.Future[ProcessingResult]


class EngineWriter:
    """Own the engine's state, as its only writer.

    A result is returned, and becomes the state, only after its changes are committed.

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
        self._queue: asyncio.Queue[PendingCommand] = asyncio.Queue()
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
        if self._queue.qsize() >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} commands wait already; send again in a second", headers=RETRY_AFTER)
        answer: asyncio.Future[ProcessingResult] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(PendingCommand(command, answer))
        return await answer

    async def guard(self, session: AsyncSession) -> None:
        """Raise unless this process may write until the session's transaction ends."""
        await instances.require(session, self._instance)

    async def run(self) -> None:
        """Process commands until cancelled."""
        while True:
            group = [await self._queue.get()]
            while len(group) < MAX_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._commit(group)
            except SeatrialError as error:
                self._is_stale = True
                _fail(group, error)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad group
                self._is_stale = True
                logs.get().error("commands_not_committed", exc_info=error)
                _fail(group, Unavailable("the orders could not be stored; the log says why"))

    async def _load(self) -> None:
        async with self._database.transaction() as session:
            self.state = await states.load(session)
        self._is_stale = False

    async def _commit(self, group: Sequence[PendingCommand]) -> None:
        if self._is_stale:  # a commit whose answer was lost may have happened: the database decides
            await self._load()
        async with self._database.transaction() as session:
            await self.guard(session)
            recorded = dict(await queries.find(session, _keys(group)))
            state, results = self._process(group, recorded)
            changes = StateChanges.merged(result.changes for result in results if isinstance(result, ProcessingResult))
            await stored_changes.write(session, changes)
        self.state = state
        self._count(changes)
        for pending, result in zip(group, results, strict=True):
            _answer(pending, result)

    def _process(
        self, group: Sequence[PendingCommand], recorded: dict[OrderKey, OrderRecord]
    ) -> tuple[EngineState, list[ProcessingResult | SeatrialError]]:
        state = self.state
        results: list[ProcessingResult | SeatrialError] = []
        for pending in group:
            try:
                result = self._processor.process(state, pending.command, recorded)
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


def _keys(group: Sequence[PendingCommand]) -> set[OrderKey]:
    requests = [pending.command for pending in group if isinstance(pending.command, TradeRequest)]
    return {request.key for request in requests if request.key is not None}


def _answer(pending: PendingCommand, result: ProcessingResult | SeatrialError) -> None:
    if pending.answer.done():  # the sender hung up
        return
    if isinstance(result, ProcessingResult):
        pending.answer.set_result(result)
    else:
        pending.answer.set_exception(result)


def _fail(group: Sequence[PendingCommand], error: SeatrialError) -> None:
    for pending in group:
        _answer(pending, error)
