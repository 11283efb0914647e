"""Builds the events that the engine sends to the metrics service, by its contract."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order
from seatrial_core.timestamps import format_rfc3339
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.changes import Event
from seatrial_engine.domain.decimals import wire
from seatrial_engine.domain.fills import Fill


def account_opened(account: Account, identity: str, at: datetime, engine: str, currency: str) -> Event:
    """Return the event of a new account."""
    base = _base("account", identity, at, engine, account.environment)
    return {**base, "account": account.name, "opening_balance": wire(account.initial_balance), "currency": currency}


def trade_filled(fill: Fill, engine: str, environment: Environment, seconds: float) -> Event:
    """Return the event of a fill; `seconds` is how long the execution took."""
    event = {
        **_base("trade", fill.id, fill.occurred_at, engine, environment),
        "account": fill.account,
        "strategy": fill.strategy,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "status": "filled",
        "trade_id": fill.id,
        "quantity": wire(fill.quantity),
        "price": wire(fill.price),
        "fee": wire(max(fill.fee, Decimal(0))),
        "duration_seconds": _seconds(seconds),
    }
    if fill.pnl is not None:
        event |= {"pnl": wire(fill.pnl), "holding_seconds": fill.holding_seconds, "exit_reason": fill.exit_reason}
    return event


def trade_rejected(order: Order, engine: str, seconds: float) -> Event:
    """Return the event of a rejected order; `seconds` is how long the decision took."""
    return {
        **_base("trade", order.id, order.created_at, engine, order.environment),
        "account": order.account,
        "strategy": order.strategy,
        "symbol": order.symbol,
        "side": order.side.value,
        "status": "rejected",
        "trade_id": order.id,
        "duration_seconds": _seconds(seconds),
    }


def equity_marked(account: Account, identity: str, at: datetime, engine: str) -> Event:
    """Return the event of an account's equity, cash and risk."""
    return {
        **_base("equity", identity, at, engine, account.environment),
        "account": account.name,
        "equity": wire(account.equity),
        "cash": wire(account.cash),
        "open_positions": len(account.positions),
        "risk_at_stop": wire(account.risk_at_stop),
    }


def api_called(
    identity: str, at: datetime, engine: str, account: Account, endpoint: str, seconds: float, *, ok: bool
) -> Event:
    """Return the event of one call to the exchange."""
    base = _base("api_call", identity, at, engine, account.environment)
    return {**base, "account": account.name, "endpoint": endpoint, "seconds": _seconds(seconds), "ok": ok}


def webhook_received(identity: str, at: datetime, engine: str, environment: Environment, status: str) -> Event:
    """Return the event of a webhook; `status` is its result."""
    return {**_base("webhook", identity, at, engine, environment), "status": status}


def heartbeat(identity: str, at: datetime, engine: str, environment: Environment) -> Event:
    """Return the event of a running engine."""
    return _base("heartbeat", identity, at, engine, environment)


def machine_sampled(
    identity: str, at: datetime, engine: str, environment: Environment, sample: Mapping[str, float | None]
) -> Event:
    """Return the event of a sample of CPU, memory and disk; values that the machine does not give are left out."""
    values = {name: value for name, value in sample.items() if value is not None}
    return {**_base("system", identity, at, engine, environment), **values}


def _base(kind: str, identity: str, at: datetime, engine: str, environment: Environment) -> Event:
    return {
        "type": kind,
        "id": identity,
        "occurred_at": format_rfc3339(at),
        "engine": engine,
        "environment": environment.value,
    }


def _seconds(seconds: float) -> float:
    return round(max(seconds, 0.0), 9)
