"""Tells what happened as events of the metrics service's contract."""

from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.changes import Event
from seatrial_engine.domain.decimals import wire
from seatrial_engine.domain.fills import Fill


def instant(at: datetime) -> str:
    """Return an instant as the wire has it."""
    return at.isoformat().replace("+00:00", "Z")


def _base(kind: str, identity: str, at: datetime, engine: str, environment: Environment) -> Event:
    return {
        "type": kind,
        "id": identity,
        "occurred_at": instant(at),
        "engine": engine,
        "environment": environment.value,
    }


def opened(account: Account, at: datetime, engine: str, currency: str) -> Event:
    """Tell that an account begins."""
    base = _base("account", f"account:{account.name}", at, engine, account.environment)
    return {**base, "account": account.name, "opening_balance": wire(account.opening_balance), "currency": currency}


def filled(fill: Fill, engine: str, environment: Environment, seconds: float) -> Event:
    """Tell of one fill; `seconds` is how long the execution took."""
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
        "duration_seconds": round(max(seconds, 0.0), 9),
    }
    if fill.pnl is not None:
        event |= {"pnl": wire(fill.pnl), "holding_seconds": fill.holding_seconds, "exit_reason": fill.exit_reason}
    return event


def refused(order: Order, engine: str, seconds: float) -> Event:
    """Tell of an order that was rejected."""
    return {
        **_base("trade", order.id, order.created_at, engine, order.environment),
        "account": order.account,
        "strategy": order.strategy,
        "symbol": order.symbol,
        "side": order.side.value,
        "status": "rejected",
        "trade_id": order.id,
        "duration_seconds": round(max(seconds, 0.0), 9),
    }


def marked(account: Account, identity: str, at: datetime, engine: str) -> Event:
    """Tell what an account is worth."""
    return {
        **_base("equity", identity, at, engine, account.environment),
        "account": account.name,
        "equity": wire(account.equity),
        "cash": wire(account.cash),
        "open_positions": len(account.holdings),
        "risk_at_stop": wire(account.risk_at_stop),
    }


def called(
    identity: str, at: datetime, engine: str, account: Account, endpoint: str, seconds: float, *, ok: bool
) -> Event:
    """Tell of one call to the exchange."""
    base = _base("api_call", identity, at, engine, account.environment)
    return {**base, "account": account.name, "endpoint": endpoint, "seconds": round(max(seconds, 0.0), 9), "ok": ok}


def failed(identity: str, at: datetime, engine: str, environment: Environment, kind: str) -> Event:
    """Tell of an error."""
    return {**_base("error", identity, at, engine, environment), "kind": kind}


def hooked(identity: str, at: datetime, engine: str, environment: Environment, status: str) -> Event:
    """Tell of a webhook."""
    return {**_base("webhook", identity, at, engine, environment), "status": status}


def alive(identity: str, at: datetime, engine: str, environment: Environment) -> Event:
    """Tell that the engine runs."""
    return _base("heartbeat", identity, at, engine, environment)


def sampled(identity: str, at: datetime, engine: str, environment: Environment, sample: dict[str, float]) -> Event:
    """Tell how the machine is."""
    return {**_base("system", identity, at, engine, environment), **sample}
