"""Closed trades as columns, the input of the figures of trades."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seatrial_trading.quant.column import Floats


class TradeRow(Protocol):
    """The fields of a closed trade that figures use; money in quote currency."""

    @property
    def entry_price(self) -> float:
        """Return the fill price of the entry, after slippage."""

    @property
    def exit_price(self) -> float:
        """Return the fill price of the exit, after slippage."""

    @property
    def quantity(self) -> float:
        """Return the traded units, above 0."""

    @property
    def fees(self) -> float:
        """Return the fees of both legs."""

    @property
    def slippage(self) -> float:
        """Return the cost of slippage on both legs."""

    @property
    def pnl_gross(self) -> float:
        """Return the profit or loss before fees."""

    @property
    def pnl(self) -> float:
        """Return the profit or loss after fees."""

    @property
    def bars_held(self) -> int:
        """Return the number of bars, with those of entry and exit."""

    @property
    def r_multiple(self) -> float | None:
        """Return the P&L over the money at risk at the entry, None without a stop."""


@dataclass(frozen=True, eq=False)
class TradeColumns:
    """Closed trades as columns, float64[n] each; money in quote currency.

    Args:
        entry_price: Fill prices of the entries, after slippage.
        exit_price: Fill prices of the exits, after slippage.
        quantity: Traded units, above 0.
        fees: Fees of both legs.
        slippage: Cost of slippage on both legs.
        pnl_gross: Profit or loss before fees.
        pnl: Profit or loss after fees.
        bars_held: Number of bars, with those of entry and exit.
        r_multiple: P&L over the money at risk at the entry, NaN for a trade without a stop.
    """

    entry_price: Floats
    exit_price: Floats
    quantity: Floats
    fees: Floats
    slippage: Floats
    pnl_gross: Floats
    pnl: Floats
    bars_held: Floats
    r_multiple: Floats

    def __len__(self) -> int:
        return len(self.pnl)

    @classmethod
    def of(cls, rows: Sequence[TradeRow]) -> "TradeColumns":
        """Return the columns of trade records."""
        return cls(
            entry_price=_floats([row.entry_price for row in rows]),
            exit_price=_floats([row.exit_price for row in rows]),
            quantity=_floats([row.quantity for row in rows]),
            fees=_floats([row.fees for row in rows]),
            slippage=_floats([row.slippage for row in rows]),
            pnl_gross=_floats([row.pnl_gross for row in rows]),
            pnl=_floats([row.pnl for row in rows]),
            bars_held=_floats([row.bars_held for row in rows]),
            r_multiple=_floats([np.nan if row.r_multiple is None else row.r_multiple for row in rows]),
        )


def _floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)
