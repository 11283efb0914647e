"""Keeps what the engine leaves behind in this process's memory."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from seatrial_core.contracts.orders import Order
from seatrial_engine.domain.account import Account, EngineState, TradingControl
from seatrial_engine.domain.changes import Event, KnownOrder, OrderKey, StateChanges
from seatrial_engine.domain.fills import Fill

MAX_KEPT = 100_000


class MemoryStore:
    """A store that ends with the process; the oldest orders and fills go when it is full.

    Args:
        sink: Hears every event, after the effects were kept.
        most_kept: How many orders, and how many fills, are kept.
    """

    def __init__(self, sink: Callable[[Sequence[Event]], None] | None = None, most_kept: int = MAX_KEPT) -> None:
        self._sink = sink
        self._most_kept = most_kept
        self._orders: OrderedDict[OrderKey, KnownOrder] = OrderedDict()
        self._fills: deque[Fill] = deque(maxlen=most_kept)
        self._accounts: dict[str, Account] = {}
        self._control = TradingControl()

    def load(self) -> EngineState:
        """Return the state that was stored last."""
        return EngineState(accounts=dict(self._accounts), control=self._control)

    def find(self, keys: Iterable[OrderKey]) -> Mapping[OrderKey, KnownOrder]:
        """Return the orders that are known under these keys."""
        return {key: self._orders[key] for key in keys if key in self._orders}

    def commit(self, effects: StateChanges) -> None:
        """Keep the effects, then tell the events."""
        for known in effects.orders:
            self._orders[(known.order.account, known.order.client_order_id)] = known
        while len(self._orders) > self._most_kept:
            self._orders.popitem(last=False)
        self._fills.extend(effects.fills)
        self._accounts.update(effects.accounts)
        self._control = effects.control or self._control
        if self._sink is not None and effects.events:
            self._sink(effects.events)

    def orders(self) -> list[Order]:
        """Return the orders, oldest first."""
        return [known.order for known in list(self._orders.values())]

    def fills(self, most: int | None = None) -> list[Fill]:
        """Return the newest fills, oldest first."""
        found = list(self._fills)
        return found if most is None else list(islice(reversed(found), most))[::-1]
