"""The engine in one process: processes signals one after the other and stores the changes before the new state."""

import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import Signal, TradingState
from seatrial_core.errors import Conflict, FieldError, ValidationFailed
from seatrial_engine.domain import signal_parser
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import ChangeStore
from seatrial_engine.domain.commands import Command, MarkPrices, ProcessingResult, SetTradingState, TradeRequest
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.exchange import Exchange, ExchangeFault, ImmediateExchange
from seatrial_engine.domain.order_intent import RejectReason
from seatrial_engine.domain.order_processor import OrderProcessor


def new_id() -> str:
    """Return a new unique id."""
    return uuid4().hex


class Engine:
    """Trade signals on an exchange; safe to call from several threads.

    Args:
        config: Fees, sizing, limits.
        store: Stores orders, fills, accounts and events together; the engine continues from its state.
        exchange: Executes orders; None fills at the last price.
        clock: The only source of time.
        new_id: Returns a new unique id.

    Example:
        engine = Engine(EngineConfig(), MemoryStore(), None, SystemClock())
        engine.process_signal({"symbol": "BTCUSDT", "action": "buy", "price": "50000"})["status"]
    """

    def __init__(
        self,
        config: EngineConfig,
        store: ChangeStore,
        exchange: Exchange | None,
        clock: Clock,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self.config = config
        self.store = store
        venue = exchange or ImmediateExchange(config.fee_rate, config.slippage_bps)
        self._processor = OrderProcessor(config, venue, clock, new_id)
        self._lock = threading.Lock()
        self._state = store.load()

    @property
    def state(self) -> EngineState:
        """Return the stored state; an immutable value."""
        return self._state

    def process_signal(
        self, signal: Mapping[str, Any], fault: ExchangeFault | None = None
    ) -> dict[str, Any]:  # Any: JSON
        """Trade a signal and return the result: `status`, `reason`, the order's fields, `errors` of refused fields.

        A malformed or refused signal is an answer, never an exception.
        """
        try:
            return answer(self.submit(signal_parser.read(signal), fault))
        except ValidationFailed as error:
            return invalid(error.detail, error.errors)
        except Conflict as error:
            return {**invalid(error.detail, ()), "reason": "conflict"}

    def submit(self, signal: Signal, fault: ExchangeFault | None = None) -> ProcessingResult:
        """Trade a signal; raise Conflict where its client order id belongs to another order."""
        return self._process(TradeRequest(signal, fault))

    def check(self, signal: Signal) -> RejectReason | None:
        """Return why an order would be rejected now, or None; nothing is sent."""
        return self._processor.reject_reason(self._state, signal)

    def on_prices(self, prices: Sequence[tuple[str, Decimal]]) -> ProcessingResult:
        """Mark positions to prices, and fill the stops and targets that are reached."""
        return self._process(MarkPrices(prices))

    def set_control(self, state: TradingState, actor: str, reason: str) -> ProcessingResult:
        """Set the trading state: all orders, closing orders only, or none."""
        return self._process(SetTradingState(state, actor, reason))

    def _process(self, command: Command) -> ProcessingResult:
        with self._lock:
            key = command.key if isinstance(command, TradeRequest) else None
            recorded = {} if key is None else self.store.find([key])
            result = self._processor.process(self._state, command, recorded)
            self.store.commit(result.changes)
            self._state = result.state
        return result


def answer(result: ProcessingResult) -> dict[str, Any]:  # Any: JSON
    """Return the result of a signal as JSON."""
    if result.order is None:
        return {"status": "ignored", "reason": result.reason, "order_id": None, "errors": []}
    fields = result.order.model_dump(mode="json")
    return {"order_id": fields.pop("id"), **fields, "repeated": result.repeated, "errors": []}


def invalid(detail: str, errors: Sequence[FieldError]) -> dict[str, Any]:  # Any: JSON
    """Return the answer to a signal that cannot be read."""
    return {
        "status": "invalid",
        "reason": "invalid_signal",
        "detail": detail,
        "order_id": None,
        "errors": [{"field": error.field, "value": error.value, "allowed": error.allowed} for error in errors],
    }
