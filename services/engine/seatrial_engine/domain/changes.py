"""What a change of state must leave behind: orders, fills, accounts, the trading state, events; stored together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from seatrial_core.contracts.orders import Order
from seatrial_engine.domain.account import Account, EngineState, TradingControl
from seatrial_engine.domain.fills import Fill

Event = dict[str, Any]  # Any: the wire's JSON
OrderKey = tuple[str, str]  # account, client order id


@dataclass(frozen=True)
class KnownOrder:
    """An order and the fingerprint of the request that made it."""

    order: Order
    fingerprint: str


@dataclass(frozen=True)
class StateChanges:
    """Everything one change writes."""

    orders: Sequence[KnownOrder] = ()
    fills: Sequence[Fill] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)
    control: TradingControl | None = None
    events: Sequence[Event] = ()

    def then(self, other: "StateChanges") -> "StateChanges":
        """Return these effects followed by others."""
        return StateChanges(
            orders=(*self.orders, *other.orders),
            fills=(*self.fills, *other.fills),
            accounts={**self.accounts, **other.accounts},
            control=other.control or self.control,
            events=(*self.events, *other.events),
        )


class ChangeStore(Protocol):
    """Where effects are kept; everything of one call, or nothing."""

    def load(self) -> EngineState:
        """Return the state that was stored last."""
        ...

    def find(self, keys: Iterable[OrderKey]) -> Mapping[OrderKey, KnownOrder]:
        """Return the orders that are known under these keys."""
        ...

    def commit(self, effects: StateChanges) -> None:
        """Keep the effects; when this raises, nothing of them was kept."""
        ...
