"""Works on signals, prices and commands in the service: one after the other, many in one transaction."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import SeatrialError, Unavailable
from seatrial_engine.domain.account import State
from seatrial_engine.domain.changes import Effects, Event, KnownOrder, OrderKey
from seatrial_engine.domain.order_processor import Change, Desk, Request
from seatrial_engine.store import commands, queries
from seatrial_engine.store import instance as instances
from seatrial_engine.store import state as states
from seatrial_engine.store.instance import Instance
from seatrial_service import logs
from seatrial_service.db.session import Database

GROUP = 500
MOST_WAITING = 10_000
RETRY_AFTER = {"Retry-After": "1"}

Known = dict[OrderKey, KnownOrder]
Work = Callable[[State, Known], Change]


@dataclass(frozen=True)
class Waiting:
    """One piece of work, the key of the order it may repeat, and whoever waits for the answer."""

    work: Work
    key: OrderKey | None
    answer: asyncio.Future[Change]


class Trading:
    """The state of the engine and the only writer of it.

    A change is answered, and becomes the state, only after what it leaves behind is committed.

    Args:
        database: Where everything is kept.
        desk: Decides.
        committed: Called with the effects of every commit.
    """

    def __init__(self, database: Database, desk: Desk, committed: Callable[[Effects], None]) -> None:
        self._database = database
        self._desk = desk
        self._committed = committed
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()
        self._instance = Instance("", 0)
        self._stale = True
        self.state = State()
        self.writing = asyncio.Lock()

    def begin(self, instance: Instance) -> None:
        """Write in the name of an instance from now on."""
        self._instance = instance

    async def signal(self, request: Request) -> Change:
        """Trade a signal."""
        return await self._submit(lambda state, known: self._desk.signal(state, request, known), request.key)

    async def prices(self, prices: Sequence[tuple[str, Decimal]]) -> Change:
        """Take new prices."""
        return await self._submit(lambda state, _: self._desk.prices(state, prices))

    async def control(self, wanted: TradingState, actor: str, reason: str) -> Change:
        """Allow everything, closing only, or nothing."""
        return await self._submit(lambda state, _: self._desk.control(state, wanted, actor, reason))

    async def tell(self, events: Sequence[Event]) -> None:
        """Put events that change nothing into the outbox."""
        await self._submit(lambda state, _: Change(state, Effects(events=events)))

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

    async def _submit(self, work: Work, key: OrderKey | None = None) -> Change:
        if self._queue.qsize() >= MOST_WAITING:
            raise Unavailable(f"{MOST_WAITING} orders wait already; send again in a second", headers=RETRY_AFTER)
        answer: asyncio.Future[Change] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Waiting(work, key, answer))
        return await answer

    async def _commit(self, group: Sequence[Waiting]) -> None:
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

    def _work(self, group: Sequence[Waiting], known: Known) -> tuple[State, list[Change | SeatrialError]]:
        state = self.state
        results: list[Change | SeatrialError] = []
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


def _together(results: Sequence[Change | SeatrialError]) -> Effects:
    changes = [each.effects for each in results if isinstance(each, Change)]
    accounts: dict[str, Any] = {}  # Any: spelled in Effects
    for each in changes:
        accounts.update(each.accounts)
    return Effects(
        orders=[order for each in changes for order in each.orders],
        fills=[fill for each in changes for fill in each.fills],
        accounts=accounts,
        control=next((each.control for each in reversed(changes) if each.control is not None), None),
        events=[event for each in changes for event in each.events],
    )


def _answer(waiting: Waiting, result: Change | SeatrialError) -> None:
    if waiting.answer.done():  # whoever asked has gone
        return
    if isinstance(result, Change):
        waiting.answer.set_result(result)
    else:
        waiting.answer.set_exception(result)


def _fail(group: Sequence[Waiting], error: SeatrialError) -> None:
    for each in group:
        _answer(each, error)
