"""Holds an order against the trading state, the risk limits and the money that is there."""

from datetime import datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.orders import Side, TradingState
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
        order: What would be sent.
        control: What the engine may do now.
        config: Fees and limits.
        now: The instant of the order.
    """
    if control.state is TradingState.HALTED:
        return RejectReason.HALTED
    limits = config.limits
    if limits.max_orders_per_minute is not None and orders_within(account, now) >= limits.max_orders_per_minute:
        return RejectReason.MAX_ORDER_RATE
    if order.reduces:
        return None  # whatever the limits say, a position may always be made smaller
    if control.state is TradingState.REDUCING:
        return RejectReason.REDUCING
    return _entry_refusal(account, symbol, order, limits) or _money_refusal(account, order, config)


def orders_within(account: Account, now: datetime) -> int:
    """Return how many orders the account sent in the last sixty seconds."""
    return sum(1 for at in account.order_times if now - at < RATE_WINDOW)


def daily_loss_ratio(account: Account) -> Decimal:
    """Return the session's loss over the equity at its start; 0 while it has gained."""
    if account.session_start_equity <= 0:
        return Decimal(0)
    return max(Decimal(0), 1 - account.equity / account.session_start_equity)


def _entry_refusal(account: Account, symbol: str, order: OrderIntent, limits: RiskLimits) -> RejectReason | None:
    notional = order.quantity * order.price
    held = account.holdings.get(symbol)
    if notional < limits.min_notional:
        return RejectReason.BELOW_MIN_NOTIONAL
    if limits.max_daily_loss_ratio is not None and daily_loss_ratio(account) >= limits.max_daily_loss_ratio:
        return RejectReason.MAX_DAILY_LOSS
    if limits.max_open_positions is not None and held is None and len(account.holdings) >= limits.max_open_positions:
        return RejectReason.MAX_OPEN_POSITIONS
    standing = abs(held.quantity) * order.price if held is not None else Decimal(0)
    if limits.max_position_notional is not None and standing + notional > limits.max_position_notional:
        return RejectReason.MAX_POSITION_NOTIONAL
    return None


def _money_refusal(account: Account, order: OrderIntent, config: EngineConfig) -> RejectReason | None:
    sign = 1 if order.side is Side.BUY else -1
    price = order.price * (1 + sign * config.slippage_bps / 10_000)
    fee = order.quantity * price * config.fee_rate
    # A short sale is covered by the equity: what is owed may not exceed it.
    owed = sum((-each.value for each in account.holdings.values() if each.quantity < 0), Decimal(0))
    available = account.cash if order.side is Side.BUY else account.equity - owed
    return RejectReason.NO_CASH if order.quantity * price + fee > available else None
