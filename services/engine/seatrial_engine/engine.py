"""The engine in one process: signals in, answers out, one after the other, the store before the state."""

import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import Order, Signal, TradingState
from seatrial_core.errors import Conflict, FieldError, ValidationFailed
from seatrial_engine.domain import signal_parser
from seatrial_engine.domain.account import EngineState
from seatrial_engine.domain.changes import ChangeStore
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.exchange import Exchange, ExchangeFault, ImmediateExchange
from seatrial_engine.domain.order_intent import RejectReason
from seatrial_engine.domain.order_processor import OrderProcessor, ProcessingResult, SignalRequest


def new_id() -> str:
    """Return an identity that was never used before."""
    return uuid4().hex


class Engine:
    """Trade signals against an exchange; safe to call from several threads.

    Args:
        config: How to trade.
        store: Keeps orders, fills, accounts and events together; what it kept before is gone on with.
        exchange: Executes orders; None fills at the last price.
        clock: The only source of time.
        identities: Makes identities that were never used before.

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
        identities: Callable[[], str] = new_id,
    ) -> None:
        self.config = config
        self.store = store
        venue = exchange or ImmediateExchange(config.fee_rate, config.slippage_bps)
        self._desk = OrderProcessor(config, venue, clock, identities)
        self._lock = threading.Lock()
        self._state = store.load()

    @property
    def state(self) -> EngineState:
        """Return the state that is stored; a value that never changes."""
        return self._state

    def process_signal(
        self, signal: Mapping[str, Any], fault: ExchangeFault | None = None
    ) -> dict[str, Any]:  # Any: JSON
        """Trade a signal and return what became of it: `status`, `reason`, the order's fields, refused `errors`.

        A signal that is malformed or not allowed is an answer, never an exception.
        """
        try:
            return answer(self.submit(signal_parser.read(signal), fault))
        except ValidationFailed as error:
            return invalid(error.detail, error.errors)
        except Conflict as error:
            return {**invalid(error.detail, ()), "reason": "conflict"}

    def submit(self, signal: Signal, fault: ExchangeFault | None = None) -> ProcessingResult:
        """Trade a signal; raise Conflict where its client order id belongs to another order."""
        request = SignalRequest(signal, fault)
        with self._lock:
            known = self.store.find([request.key]) if request.key is not None else {}
            return self._install(self._desk.signal(self._state, request, known))

    def check(self, signal: Signal) -> RejectReason | None:
        """Return why an order would be rejected now, or None; nothing is sent."""
        return self._desk.judge(self._state, signal)

    def on_prices(self, prices: Sequence[tuple[str, Decimal]]) -> ProcessingResult:
        """Mark positions to prices and leave those whose stop or target is reached."""
        with self._lock:
            return self._install(self._desk.prices(self._state, prices))

    def set_control(self, wanted: TradingState, actor: str, reason: str) -> ProcessingResult:
        """Allow everything, closing only, or nothing."""
        with self._lock:
            return self._install(self._desk.control(self._state, wanted, actor, reason))

    def _install(self, change: ProcessingResult) -> ProcessingResult:
        self.store.commit(change.effects)
        self._state = change.state
        return change


def answer(change: ProcessingResult) -> dict[str, Any]:  # Any: JSON
    """Return what became of a signal, for people and programs."""
    if change.order is None:
        return {"status": "ignored", "reason": change.reason, "order_id": None, "errors": []}
    return {**order_fields(change.order), "repeated": change.repeated, "errors": []}


def order_fields(order: Order) -> dict[str, Any]:  # Any: JSON
    """Return an order as JSON, its id under `order_id`."""
    fields = order.model_dump(mode="json")
    return {"order_id": fields.pop("id"), **fields}


def invalid(detail: str, errors: Sequence[FieldError]) -> dict[str, Any]:  # Any: JSON
    """Return the answer to a signal that cannot be read."""
    return {
        "status": "invalid",
        "reason": "invalid_signal",
        "detail": detail,
        "order_id": None,
        "errors": [{"field": each.field, "value": each.value, "allowed": each.allowed} for each in errors],
    }
