"""Works on signals, prices and commands in the service: one after the other, many in one transaction."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import SeatrialError, Unavailable
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import Event, KnownOrder, OrderKey, StateChanges
from seatrial_engine.domain.order_processor import OrderProcessor, ProcessingResult, SignalRequest
from seatrial_engine.store import commands, queries
from seatrial_engine.store import instance as instances
from seatrial_engine.store import state as states
from seatrial_engine.store.instance import Instance
from seatrial_service import logs
from seatrial_service.db.session import Database

GROUP = 500
MAX_WAITING = 10_000
RETRY_AFTER = {"Retry-After": "1"}

Known = dict[OrderKey, KnownOrder]
Work = Callable[[EngineState, Known], ProcessingResult]


@dataclass(frozen=True)
class PendingCommand:
    """One piece of work, the key of the order it may repeat, and whoever waits for the answer."""

    work: Work
    key: OrderKey | None
    answer: asyncio.Future[ProcessingResult]


class EngineWriter:
    """The state of the engine and the only writer of it.

    A change is answered, and becomes the state, only after what it leaves behind is committed.

    Args:
        database: Where everything is kept.
        desk: Decides.
        committed: Called with the effects of every commit.
    """

    def __init__(self, database: Database, desk: OrderProcessor, committed: Callable[[StateChanges], None]) -> None:
        self._database = database
        self._desk = desk
        self._committed = committed
        self._queue: asyncio.Queue[PendingCommand] = asyncio.Queue()
        self._instance = Instance("", 0)
        self._stale = True
        self.state = EngineState()
        self.writing = asyncio.Lock()

    def begin(self, instance: Instance) -> None:
        """Write in the name of an instance from now on."""
        self._instance = instance

    async def signal(self, request: SignalRequest) -> ProcessingResult:
        """Trade a signal."""
        return await self._submit(lambda state, known: self._desk.signal(state, request, known), request.key)

    async def prices(self, prices: Sequence[tuple[str, Decimal]]) -> ProcessingResult:
        """Take new prices."""
        return await self._submit(lambda state, _: self._desk.prices(state, prices))

    async def control(self, wanted: TradingState, actor: str, reason: str) -> ProcessingResult:
        """Allow everything, closing only, or nothing."""
        return await self._submit(lambda state, _: self._desk.control(state, wanted, actor, reason))

    async def tell(self, events: Sequence[Event]) -> None:
        """Put events that change nothing into the outbox."""
        await self._submit(lambda state, _: ProcessingResult(state, StateChanges(events=events)))

    async def guard(self, session: AsyncSession) -> None:
        """Raise unless this process may still write, until the session's transaction ends."""
        await instances.require(session, self._instance)

    async def load(self) -> None:
        """Read the state that is stored."""
        async with self._database.transaction() as session:
            self.state = await states.load(session)
        self._stale = False

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            group = [await self._queue.get()]
            while len(group) < GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                async with self.writing:
                    await self._commit(group)
            except SeatrialError as error:
                self._stale = True
                _fail(group, error)
            except Exception as error:  # noqa: BLE001  # the loop that must survive a bad group
                self._stale = True
                logs.get().error("orders_not_committed", exc_info=error)
                _fail(group, Unavailable("the orders could not be stored; the log says why"))

    async def _submit(self, work: Work, key: OrderKey | None = None) -> ProcessingResult:
        if self._queue.qsize() >= MAX_WAITING:
            raise Unavailable(f"{MAX_WAITING} orders wait already; send again in a second", headers=RETRY_AFTER)
        answer: asyncio.Future[ProcessingResult] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(PendingCommand(work, key, answer))
        return await answer

    async def _commit(self, group: Sequence[PendingCommand]) -> None:
        if self._stale:  # a commit whose answer was lost may have happened: what is stored counts
            await self.load()
        async with self._database.transaction() as session:
            await self.guard(session)
            known = await queries.find(session, {each.key for each in group if each.key is not None})
            state, results = self._work(group, dict(known))
            effects = _together(results)
            await commands.write(session, effects)
        self.state = state
        self._committed(effects)
        for each, result in zip(group, results, strict=True):
            _answer(each, result)

    def _work(
        self, group: Sequence[PendingCommand], known: Known
    ) -> tuple[EngineState, list[ProcessingResult | SeatrialError]]:
        state = self.state
        results: list[ProcessingResult | SeatrialError] = []
        for each in group:
            try:
                change = each.work(state, known)
            except SeatrialError as error:
                results.append(error)
                continue
            state = change.state
            known.update(_by_key(change.effects.orders))
            results.append(change)
        return state, results


def _by_key(orders: Sequence[KnownOrder]) -> Mapping[OrderKey, KnownOrder]:
    return {(each.order.account, each.order.client_order_id): each for each in orders}


def _together(results: Sequence[ProcessingResult | SeatrialError]) -> StateChanges:
    changes = [each.effects for each in results if isinstance(each, ProcessingResult)]
    accounts: dict[str, Any] = {}  # Any: spelled in Effects
    for each in changes:
        accounts.update(each.accounts)
    return StateChanges(
        orders=[order for each in changes for order in each.orders],
        fills=[fill for each in changes for fill in each.fills],
        accounts=accounts,
        control=next((each.control for each in reversed(changes) if each.control is not None), None),
        events=[event for each in changes for event in each.events],
    )


def _answer(waiting: PendingCommand, result: ProcessingResult | SeatrialError) -> None:
    if waiting.answer.done():  # whoever asked has gone
        return
    if isinstance(result, ProcessingResult):
        waiting.answer.set_result(result)
    else:
        waiting.answer.set_exception(result)


def _fail(group: Sequence[PendingCommand], error: SeatrialError) -> None:
    for each in group:
        _answer(each, error)
