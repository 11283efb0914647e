"""Sends one order to the exchange and applies its fill to the account."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.changes import Event, OrderRecord, StateChanges
from seatrial_engine.domain.exchange import Exchange, ExchangeFault, ExchangeOrder, Execution
from seatrial_engine.domain.fills import Fill, Protection, apply_fill


@dataclass(frozen=True)
class ExecutionRequest:
    """An order that passed every check; `exit_reason` says why it reduces a position, None for an entry."""

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
    """The account afterwards, the changes to store, and the order; without an order, the reason in `refusal`."""

    account: Account
    changes: StateChanges
    order: Order | None = None
    refusal: str | None = None


class OrderExecutor:
    """Execute orders and book their fills.

    Args:
        engine: The engine's name, in every event.
        exchange: Executes orders.
        clock: Measures how long that takes.
    """

    def __init__(self, engine: str, exchange: Exchange, clock: Clock) -> None:
        self._engine = engine
        self._exchange = exchange
        self._clock = clock

    def execute(self, account: Account, request: ExecutionRequest, now: datetime, started: float) -> ExecutionOutcome:
        """Execute an order for an account.

        Args:
            account: The account before.
            request: The order.
            now: The time of the fill.
            started: When processing began, on the monotonic clock, in seconds.
        """
        execution = self._exchange.execute(_exchange_order(request))
        seconds = self._clock.monotonic() - started
        calls = self._calls(execution, request.id, now, account, seconds)
        if execution.price is None:
            reason = execution.reason or "exchange_refused"
            return ExecutionOutcome(account, StateChanges(events=calls), refusal=reason)
        account, fill = apply_fill(
            account, _fill(account, request, execution.price, execution.fee, now), request.protection
        )
        account = account.marked(request.symbol, request.price)
        client_order_id = request.client_order_id or request.id
        order = filled_order(fill, client_order_id, request.protection, account.environment)
        changes = StateChanges(
            orders=(OrderRecord(order, request.fingerprint),),
            fills=(fill,),
            accounts={account.name: account},
            events=(
                *calls,
                events.trade_filled(fill, self._engine, account.environment, seconds),
                events.equity_marked(account, f"equity:{request.id}", now, self._engine),
            ),
        )
        return ExecutionOutcome(account, changes, order)

    def _calls(
        self, execution: Execution, identity: str, now: datetime, account: Account, seconds: float
    ) -> tuple[Event, ...]:
        share = seconds / max(1, len(execution.calls))
        return tuple(
            events.api_called(f"{identity}:{n}", now, self._engine, account, call.endpoint, share, ok=call.ok)
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


def _exchange_order(request: ExecutionRequest) -> ExchangeOrder:
    return ExchangeOrder(
        client_order_id=request.client_order_id or request.id,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        price=request.price,
        limit=request.limit,
        fault=request.fault,
    )


def _fill(account: Account, request: ExecutionRequest, price: Decimal, fee: Decimal, now: datetime) -> Fill:
    return Fill(
        id=request.id,
        order_id=request.id,
        account=account.name,
        strategy=request.strategy,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        price=price,
        fee=fee,
        occurred_at=now,
        exit_reason=request.exit_reason,
    )
