"""The commands of the order path, as data, and the result of processing one."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from seatrial_core.contracts.orders import Order, Signal, TradingState
from seatrial_engine.domain.account import Account, EngineState
from seatrial_engine.domain.changes import Event, NewReplay, OrderKey, StateChanges
from seatrial_engine.domain.exchange import ExchangeFault


@dataclass(frozen=True)
class TradeRequest:
    """Trade a signal; `fault` is the failure that the simulated exchange injects into its call."""

    signal: Signal
    fault: ExchangeFault | None = None

    @property
    def fingerprint(self) -> str:
        """Return the hash of the values, without the client order id; a repeated request has the same."""
        body = self.signal.model_dump(mode="json", exclude={"client_order_id"})
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> OrderKey | None:
        """Return the key of the order, or None without a client order id."""
        client_order_id = self.signal.client_order_id
        return None if client_order_id is None else (self.signal.account, client_order_id)


@dataclass(frozen=True)
class MarkPrices:
    """Mark positions to new prices, and fill stops and targets that are reached; pairs of symbol and price."""

    prices: Sequence[tuple[str, Decimal]]


@dataclass(frozen=True)
class SetTradingState:
    """Set what the engine may do, by whom and why; `note` is what the caller said about itself."""

    state: TradingState
    actor: str
    reason: str
    note: str = ""


@dataclass(frozen=True)
class RecordEvents:
    """Put events into the outbox; the state does not change."""

    events: Sequence[Event]


@dataclass(frozen=True)
class OpenReplay:
    """Store a replay and let it own its accounts; `accounts` by name, `events` announce them."""

    replay: NewReplay
    accounts: Mapping[str, Account]
    events: Sequence[Event]


Command = TradeRequest | MarkPrices | SetTradingState | RecordEvents | OpenReplay


@dataclass(frozen=True)
class ProcessingResult:
    """The next state, the changes to store, and the answer to the sender.

    Args:
        state: The state after the command.
        changes: What must be stored before the state is valid.
        order: The order that the command made or repeated, if any.
        reason: Why the order was rejected or the signal ignored.
        repeated: Whether the command was processed before and changed nothing now.
    """

    state: EngineState
    changes: StateChanges = field(default_factory=StateChanges)
    order: Order | None = None
    reason: str | None = None
    repeated: bool = False
