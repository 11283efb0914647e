"""Applies a fill to an account: cash, position, and the profit or loss of the part that it closes."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.orders import Side
from seatrial_engine.domain.account import Account, Position
from seatrial_engine.domain.decimals import ZERO
from seatrial_trading.quant.sizing import TradeStatistics


@dataclass(frozen=True)
class Fill:
    """One execution of an order.

    A fill that reduces a position has `pnl`, net of both sides' fees, `holding_seconds` and `exit_reason`; others None.
    """

    id: str
    order_id: str
    account: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    occurred_at: datetime
    pnl: Decimal | None = None
    holding_seconds: float | None = None
    exit_reason: str | None = None


@dataclass(frozen=True)
class Protection:
    """The stop and target prices of a position that an order opens; None for none."""

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def apply_fill(account: Account, fill: Fill, protection: Protection) -> tuple[Account, Fill]:
    """Return the account after a fill, and the fill with its profit or loss.

    Args:
        account: The account before.
        fill: The execution; one that reduces a position never exceeds it.
        protection: Stop and target of the position that the fill opens or adds to.
    """
    signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
    paid = replace(account, cash=account.cash - signed * fill.price - fill.fee)
    position = account.positions.get(fill.symbol)
    if position is not None and position.quantity * signed < 0:
        return _reduced(paid, position, fill, signed)
    return _added(paid, position or _new_position(fill), fill, signed, protection), fill


def _new_position(fill: Fill) -> Position:
    return Position(
        symbol=fill.symbol,
        strategy=fill.strategy,
        quantity=ZERO,
        entry_price=fill.price,
        entry_fee=ZERO,
        mark_price=fill.price,
        opened_at=fill.occurred_at,
    )


def _added(account: Account, position: Position, fill: Fill, signed: Decimal, protection: Protection) -> Account:
    quantity = position.quantity + signed
    merged = replace(
        position,
        quantity=quantity,
        entry_price=(position.entry_price * position.quantity + fill.price * signed) / quantity,
        entry_fee=position.entry_fee + fill.fee,
        mark_price=fill.price,
        stop_loss=protection.stop_loss or position.stop_loss,
        take_profit=protection.take_profit or position.take_profit,
    )
    return account.with_position(fill.symbol, merged)


def _reduced(account: Account, position: Position, fill: Fill, signed: Decimal) -> tuple[Account, Fill]:
    closes = fill.quantity == abs(position.quantity)
    entry_fee = position.entry_fee if closes else position.entry_fee * (fill.quantity / abs(position.quantity))
    pnl = -signed * (fill.price - position.entry_price) - entry_fee - fill.fee
    seconds = max(0.0, (fill.occurred_at - position.opened_at).total_seconds())
    rest = None
    if not closes:
        quantity = position.quantity + signed
        rest = replace(position, quantity=quantity, entry_fee=position.entry_fee - entry_fee, mark_price=fill.price)
    pnl_ratio = float(pnl / (position.entry_price * fill.quantity))
    account = replace(account, history=_with_trade(account.history, pnl_ratio))
    return account.with_position(fill.symbol, rest), replace(fill, pnl=pnl, holding_seconds=seconds)


def _with_trade(history: TradeStatistics, pnl_ratio: float) -> TradeStatistics:
    return TradeStatistics(
        closed=history.closed + 1,
        wins=history.wins + (pnl_ratio > 0),
        losses=history.losses + (pnl_ratio < 0),
        gain_ratios=history.gain_ratios + max(pnl_ratio, 0.0),
        loss_ratios=history.loss_ratios + min(pnl_ratio, 0.0),
    )
