"""Checks an order against the trading state, the risk limits and the money of the account."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.orders import Side, TradingState
from seatrial_core.figures.live import session_loss
from seatrial_engine.domain.account import Account, TradingControl
from seatrial_engine.domain.config import EngineConfig, RiskLimits
from seatrial_engine.domain.order_intent import OrderIntent, RejectReason

RATE_WINDOW = timedelta(seconds=60)


def check(
    account: Account, symbol: str, order: OrderIntent, control: TradingControl, config: EngineConfig, now: datetime
) -> RejectReason | None:
    """Return why an order may not be sent, or None.

    Args:
        account: The account, in today's session.
        symbol: What is traded.
        order: The order to check.
        control: The trading state.
        config: Fees and limits.
        now: The time of the order.
    """
    if is_halted(control):
        return RejectReason.HALTED
    limits = config.limits
    if limits.max_orders_per_minute is not None and orders_within(account, now) >= limits.max_orders_per_minute:
        return RejectReason.MAX_ORDER_RATE
    if order.reduces:
        return None  # reducing a position is allowed beyond every other limit
    if control.state is TradingState.REDUCING:
        return RejectReason.REDUCING
    return _entry_refusal(account, symbol, order, limits) or _money_refusal(account, order, config)


def is_halted(control: TradingControl) -> bool:
    """Return whether no order may be sent at all."""
    return control.state is TradingState.HALTED


def with_order_time(account: Account, now: datetime, limits: RiskLimits) -> Account:
    """Return the account with one more order in its rate window; unchanged without a rate limit."""
    if limits.max_orders_per_minute is None:
        return account
    recent = tuple(at for at in account.order_times if now - at < RATE_WINDOW)
    return replace(account, order_times=(*recent, now))


def orders_within(account: Account, now: datetime) -> int:
    """Return the number of orders that the account sent in the last 60 seconds."""
    return sum(1 for at in account.order_times if now - at < RATE_WINDOW)


def daily_loss_ratio(account: Account) -> Decimal:
    """Return the session's loss as a ratio of the equity at its start; 0 for a gain, or without equity at the start."""
    start = account.session_start_equity
    return session_loss(account.equity - start, start) or Decimal(0)


def rolling_loss_ratio(account: Account, now: datetime) -> Decimal:
    """Return the loss of the last 24 hours as a ratio of the equity before them; 0 for a gain, or without equity."""
    reference = account.equity_history.reference(now)
    return Decimal(0) if reference is None else session_loss(account.equity - reference, reference) or Decimal(0)


def check_rolling_loss(account: Account, order: OrderIntent, limits: RiskLimits, now: datetime) -> RejectReason | None:
    """Return the refusal of an entry after a daily loss that lies on both sides of midnight, or None.

    Args:
        account: The account.
        order: The order to check.
        limits: The limits; that of the daily loss also holds for any 24 hours.
        now: The instant that the limits go by.
    """
    if order.reduces or limits.max_daily_loss_ratio is None:
        return None
    return RejectReason.MAX_DAILY_LOSS if rolling_loss_ratio(account, now) >= limits.max_daily_loss_ratio else None


def _entry_refusal(account: Account, symbol: str, order: OrderIntent, limits: RiskLimits) -> RejectReason | None:
    notional = order.quantity * order.price
    position = account.positions.get(symbol)
    if notional < limits.min_notional:
        return RejectReason.BELOW_MIN_NOTIONAL
    if limits.max_daily_loss_ratio is not None and daily_loss_ratio(account) >= limits.max_daily_loss_ratio:
        return RejectReason.MAX_DAILY_LOSS
    if (
        limits.max_open_positions is not None
        and position is None
        and len(account.positions) >= limits.max_open_positions
    ):
        return RejectReason.MAX_OPEN_POSITIONS
    exposure = abs(position.quantity) * order.price if position is not None else Decimal(0)
    if limits.max_position_notional is not None and exposure + notional > limits.max_position_notional:
        return RejectReason.MAX_POSITION_NOTIONAL
    return None


def _money_refusal(account: Account, order: OrderIntent, config: EngineConfig) -> RejectReason | None:
    sign = 1 if order.side is Side.BUY else -1
    price = order.price * (1 + sign * config.slippage_bps / 10_000)
    fee = order.quantity * price * config.fee_rate
    # The equity covers short positions: their total value may not exceed it.
    debt = sum((-position.value for position in account.positions.values() if position.quantity < 0), Decimal(0))
    available = account.cash if order.side is Side.BUY else account.equity - debt
    return RejectReason.NO_CASH if order.quantity * price + fee > available else None
