"""Stores orders, fills and accounts in this process's memory."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from seatrial_core.contracts.orders import Order
from seatrial_engine.domain.account import Account, EngineState, TradingControl
from seatrial_engine.domain.changes import Event, OrderKey, OrderRecord, StateChanges
from seatrial_engine.domain.fills import Fill

MAX_STORED = 100_000


class MemoryStore:
    """A store that lasts as long as the process; beyond its size it drops the oldest orders and fills.

    Args:
        sink: Called with the events of every commit, after it.
        max_stored: How many orders, and how many fills, to keep.
    """

    def __init__(self, sink: Callable[[Sequence[Event]], None] | None = None, max_stored: int = MAX_STORED) -> None:
        self._sink = sink
        self._max_stored = max_stored
        self._orders: OrderedDict[OrderKey, OrderRecord] = OrderedDict()
        self._fills: deque[Fill] = deque(maxlen=max_stored)
        self._accounts: dict[str, Account] = {}
        self._control = TradingControl()

    def load(self) -> EngineState:
        """Return the stored state."""
        return EngineState(accounts=dict(self._accounts), control=self._control)

    def find(self, keys: Iterable[OrderKey]) -> Mapping[OrderKey, OrderRecord]:
        """Return the stored orders with these keys."""
        return {key: self._orders[key] for key in keys if key in self._orders}

    def commit(self, changes: StateChanges) -> None:
        """Store the changes, then send the events to the sink."""
        for record in changes.orders:
            self._orders[record.key] = record
        while len(self._orders) > self._max_stored:
            self._orders.popitem(last=False)
        self._fills.extend(changes.fills)
        self._accounts.update(changes.accounts)
        self._control = changes.control or self._control
        if self._sink is not None and changes.events:
            self._sink(changes.events)

    def orders(self) -> list[Order]:
        """Return the orders, oldest first."""
        return [record.order for record in list(self._orders.values())]

    def fills(self) -> list[Fill]:
        """Return the fills, oldest first."""
        return list(self._fills)
