"""What processing a command leaves to store in one transaction: orders, fills, accounts, control, replays, events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from seatrial_core.contracts.orders import Order
from seatrial_engine.domain.account import Account, EngineState, TradingControl
from seatrial_engine.domain.fills import Fill

Event = dict[str, Any]  # Any: an event of the metrics service's contract, as JSON
OrderKey = tuple[str, str]  # account, client order id


@dataclass(frozen=True)
class OrderRecord:
    """An order and the fingerprint of the request that made it."""

    order: Order
    fingerprint: str

    @property
    def key(self) -> OrderKey:
        """Return the key that identifies a repeated request."""
        return self.order.account, self.order.client_order_id


@dataclass(frozen=True)
class NewReplay:
    """A replay to store.

    Args:
        id: The sender's id of the replay.
        fingerprint: Hash of the request; a repeated request has the same.
        request: The request as JSON text.
        steps_total: Number of instants to trade.
        created_at: When it was requested, aware.
    """

    id: str
    fingerprint: str
    request: str
    steps_total: int
    created_at: datetime


@dataclass(frozen=True)
class StateChanges:
    """Everything that one or more commands leave to store."""

    orders: Sequence[OrderRecord] = ()
    fills: Sequence[Fill] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)
    control: TradingControl | None = None
    replays: Sequence[NewReplay] = ()
    events: Sequence[Event] = ()

    @classmethod
    def merged(cls, parts: Iterable["StateChanges"]) -> "StateChanges":
        """Return several changes as one, in order; a later account or control replaces an earlier one."""
        changes = tuple(parts)
        accounts: dict[str, Account] = {}
        control = None
        for part in changes:
            accounts.update(part.accounts)
            control = part.control or control
        return cls(
            orders=[order for part in changes for order in part.orders],
            fills=[fill for part in changes for fill in part.fills],
            accounts=accounts,
            control=control,
            replays=[replay for part in changes for replay in part.replays],
            events=[event for part in changes for event in part.events],
        )


class ChangeStore(Protocol):
    """Stores changes; all of one call, or none."""

    def load(self) -> EngineState:
        """Return the stored state."""
        ...

    def find(self, keys: Iterable[OrderKey]) -> Mapping[OrderKey, OrderRecord]:
        """Return the stored orders with these keys."""
        ...

    def commit(self, changes: StateChanges) -> None:
        """Store the changes; when this raises, none of them is stored."""
        ...
