"""Books a fill on an account: cash, position, profit of what was closed."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from seatrial_core.contracts.orders import Side
from seatrial_engine.domain.account import Account, Position
from seatrial_engine.domain.decimals import ZERO
from seatrial_trading.quant.sizing import ClosedTrades


@dataclass(frozen=True)
class Fill:
    """One execution of an order; `pnl`, net of both sides' fees, and `holding_seconds` stand on one that closes."""

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
    """Where a position that an order opens is left; None for nowhere."""

    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


def apply_fill(account: Account, fill: Fill, protection: Protection) -> tuple[Account, Fill]:
    """Return the account after a fill, and the fill with what it earned.

    Args:
        account: The account before.
        fill: What was executed; one that reduces a position never exceeds it.
        protection: Stop and target of what the fill opens or adds to.
    """
    signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
    paid = replace(account, cash=account.cash - signed * fill.price - fill.fee)
    held = account.holdings.get(fill.symbol)
    if held is not None and held.quantity * signed < 0:
        return _reduced(paid, held, fill, signed)
    return _added(paid, held, fill, signed, protection), fill


def _added(account: Account, held: Position | None, fill: Fill, signed: Decimal, protection: Protection) -> Account:
    if held is None:
        held = Position(
            symbol=fill.symbol,
            strategy=fill.strategy,
            quantity=ZERO,
            entry_price=fill.price,
            entry_fee=ZERO,
            mark_price=fill.price,
            opened_at=fill.occurred_at,
        )
    quantity = held.quantity + signed
    merged = replace(
        held,
        quantity=quantity,
        entry_price=(held.entry_price * held.quantity + fill.price * signed) / quantity,
        entry_fee=held.entry_fee + fill.fee,
        mark_price=fill.price,
        stop_loss=protection.stop_loss or held.stop_loss,
        take_profit=protection.take_profit or held.take_profit,
    )
    return account.with_holding(fill.symbol, merged)


def _reduced(account: Account, held: Position, fill: Fill, signed: Decimal) -> tuple[Account, Fill]:
    share = fill.quantity / abs(held.quantity)
    whole = fill.quantity == abs(held.quantity)
    entry_fee = held.entry_fee if whole else held.entry_fee * share
    pnl = -signed * (fill.price - held.entry_price) - entry_fee - fill.fee
    earned = replace(fill, pnl=pnl, holding_seconds=max(0.0, (fill.occurred_at - held.opened_at).total_seconds()))
    rest = None
    if not whole:
        left = held.quantity + signed
        rest = replace(held, quantity=left, entry_fee=held.entry_fee - entry_fee, mark_price=fill.price)
    ratio = float(pnl / (held.entry_price * fill.quantity))
    kept = replace(account, history=_counted(account.history, ratio))
    return kept.with_holding(fill.symbol, rest), earned


def _counted(history: ClosedTrades, ratio: float) -> ClosedTrades:
    return ClosedTrades(
        closed=history.closed + 1,
        wins=history.wins + (ratio > 0),
        losses=history.losses + (ratio < 0),
        gain_ratios=history.gain_ratios + max(ratio, 0.0),
        loss_ratios=history.loss_ratios + min(ratio, 0.0),
    )
