"""Sends one order to the exchange and books what comes back."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.changes import Event, KnownOrder, StateChanges
from seatrial_engine.domain.exchange import Exchange, ExchangeFault, ExchangeOrder, Execution
from seatrial_engine.domain.fills import Fill, Protection, apply_fill


@dataclass(frozen=True)
class ExecutionRequest:
    """An order that passed every check; `exit_reason` says that it makes a position smaller, and why."""

    id: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    client_order_id: str | None = None
    fingerprint: str = ""
    limit: bool = False
    protection: Protection = field(default_factory=Protection)
    exit_reason: str | None = None
    fault: ExchangeFault | None = None


@dataclass(frozen=True)
class ExecutionOutcome:
    """The account afterwards and what that leaves behind; without an order, why there is none."""

    account: Account
    effects: StateChanges
    order: Order | None = None
    refusal: str | None = None


class OrderExecutor:
    """Stands between the desk and the exchange.

    Args:
        engine: The engine's name, in every event.
        exchange: Executes orders.
        clock: Measures how long that takes.
    """

    def __init__(self, engine: str, exchange: Exchange, clock: Clock) -> None:
        self._engine = engine
        self._exchange = exchange
        self._clock = clock

    def deal(self, account: Account, deal: ExecutionRequest, now: datetime, started: float) -> ExecutionOutcome:
        """Execute an order for an account; `started` is when the work on it began, on the monotonic clock."""
        client_id = deal.client_order_id or deal.id
        execution = self._exchange.execute(
            ExchangeOrder(client_id, deal.symbol, deal.side, deal.quantity, deal.price, deal.limit, deal.fault)
        )
        seconds = self._clock.monotonic() - started
        calls = self._calls(execution, deal.id, now, account, seconds)
        if execution.price is None:
            return ExecutionOutcome(account, StateChanges(events=calls), refusal=execution.reason or "exchange_refused")
        fill = Fill(
            id=deal.id,
            order_id=deal.id,
            account=account.name,
            strategy=deal.strategy,
            symbol=deal.symbol,
            side=deal.side,
            quantity=deal.quantity,
            price=execution.price,
            fee=execution.fee,
            occurred_at=now,
            exit_reason=deal.exit_reason,
        )
        settled, earned = apply_fill(account, fill, deal.protection)
        settled = settled.marked(deal.symbol, deal.price)
        order = filled_order(earned, client_id, deal.protection, account.environment)
        recorded = (
            *calls,
            events.filled(earned, self._engine, account.environment, seconds),
            events.marked(settled, f"equity:{deal.id}", now, self._engine),
        )
        known = (KnownOrder(order, deal.fingerprint),)
        return ExecutionOutcome(
            settled, StateChanges(known, (earned,), {settled.name: settled}, events=recorded), order
        )

    def _calls(
        self, execution: Execution, identity: str, now: datetime, account: Account, seconds: float
    ) -> tuple[Event, ...]:
        each = seconds / max(1, len(execution.calls))
        return tuple(
            events.called(f"{identity}:{n}", now, self._engine, account, call.endpoint, each, ok=call.ok)
            for n, call in enumerate(execution.calls)
        )


def filled_order(fill: Fill, client_order_id: str, protection: Protection, environment: Environment) -> Order:
    """Return the order that a fill completed."""
    return Order(
        id=fill.order_id,
        client_order_id=client_order_id,
        account=fill.account,
        strategy=fill.strategy,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        status=OrderStatus.FILLED,
        reason=fill.exit_reason,
        price=fill.price,
        fee=fill.fee,
        pnl=fill.pnl,
        stop_loss=protection.stop_loss,
        take_profit=protection.take_profit,
        environment=environment,
        created_at=fill.occurred_at,
        filled_at=fill.occurred_at,
    )
