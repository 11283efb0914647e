"""Closed trades and rejected decisions as records."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching import layout
from seatrial_trading.matching.layout import Exit, Rejection

REJECTION_TEXTS = {
    Rejection.POSITION_OPEN: "a position is open already",
    Rejection.SHORT_NOT_ALLOWED: "selling short is not allowed",
    Rejection.NO_SIZE: "the sizing gives no quantity",
    Rejection.BELOW_MINIMUM_NOTIONAL: "below the minimum notional",
    Rejection.NO_CASH: "not enough cash",
    Rejection.BAD_STOP: "stop or target on the wrong side of the decision close",
    Rejection.NOTHING_TO_CLOSE: "nothing is open",
    Rejection.BAD_ORDER: "a limit order needs a limit price above 0, a stop order a stop price above 0",
    Rejection.EXPIRED: "the order expired unfilled",
}


@dataclass(frozen=True)
class TradeRecord:
    """One closed trade; money in quote currency, `pnl` net of the fees of both sides.

    `mae_ratio` and `mfe_ratio` are the maximum adverse and favourable excursion of the price between the fills, as
    ratios of the entry price, at least 0. `r_multiple` is the P&L per money at risk at the initial stop.
    """

    id: int
    symbol: str
    side: str
    entry_index: int
    entry_time_ms: int
    entry_price: float
    exit_index: int
    exit_time_ms: int
    exit_price: float
    quantity: float
    entry_fee: float
    exit_fee: float
    fees: float
    slippage: float
    pnl_gross: float
    pnl: float
    return_ratio: float
    r_multiple: float | None
    exit_reason: str
    gap: bool
    ambiguous: bool
    bars_held: int
    mae_ratio: float
    mfe_ratio: float


@dataclass(frozen=True)
class RejectedSignal:
    """A rejected decision, with the number and time of the bar at whose close it was made."""

    index: int
    time_ms: int
    reason: str


def trade(number: int, row: NDArray[np.float64], symbol: str, entry_time_ms: int, exit_time_ms: int) -> TradeRecord:
    """Return the record of one row of the kernel's trade table.

    Args:
        number: Number of the trade in its run, from 1.
        row: float64[T_SIZE].
        symbol: Symbol of the run.
        entry_time_ms: Open of the entry bar, UTC epoch milliseconds.
        exit_time_ms: Open of the exit bar, UTC epoch milliseconds.
    """
    side = row[layout.T_SIDE]
    entry, exit_price, quantity = (
        float(row[layout.T_ENTRY_PRICE]),
        float(row[layout.T_EXIT_PRICE]),
        float(row[layout.T_QUANTITY]),
    )
    entry_fee, exit_fee = float(row[layout.T_ENTRY_FEE]), float(row[layout.T_EXIT_FEE])
    gross = float(side) * quantity * (exit_price - entry)
    net = gross - entry_fee - exit_fee
    risked = abs(entry - float(row[layout.T_INITIAL_STOP])) * quantity
    return TradeRecord(
        id=number,
        symbol=symbol,
        side="long" if side > 0 else "short",
        entry_index=int(row[layout.T_ENTRY_INDEX]),
        entry_time_ms=entry_time_ms,
        entry_price=entry,
        exit_index=int(row[layout.T_EXIT_INDEX]),
        exit_time_ms=exit_time_ms,
        exit_price=exit_price,
        quantity=quantity,
        entry_fee=entry_fee,
        exit_fee=exit_fee,
        fees=entry_fee + exit_fee,
        slippage=float(row[layout.T_SLIPPAGE]),
        pnl_gross=gross,
        pnl=net,
        return_ratio=net / (entry * quantity),
        r_multiple=net / risked if risked > 0 else None,
        exit_reason=Exit(int(row[layout.T_REASON])).name.lower(),
        gap=bool(row[layout.T_GAP]),
        ambiguous=bool(row[layout.T_AMBIGUOUS]),
        bars_held=int(row[layout.T_EXIT_INDEX] - row[layout.T_ENTRY_INDEX]) + 1,
        mae_ratio=float(row[layout.T_MAE]),
        mfe_ratio=float(row[layout.T_MFE]),
    )
