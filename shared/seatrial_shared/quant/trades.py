"""Closed trades as columns, which is what the figures about trades are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seatrial_shared.quant.column import Floats
from seatrial_shared.quant.drawdown import Times


class TradeRow(Protocol):
    """What the figures need of one closed trade."""

    @property
    def entry_time_ms(self) -> int: ...

    @property
    def exit_time_ms(self) -> int: ...

    @property
    def entry_price(self) -> float: ...

    @property
    def exit_price(self) -> float: ...

    @property
    def quantity(self) -> float: ...

    @property
    def fees(self) -> float: ...

    @property
    def pnl_gross(self) -> float: ...

    @property
    def pnl(self) -> float: ...


@dataclass(frozen=True, eq=False)
class TradeColumns:
    """One row a closed trade; money in quote currency, `pnl` net of the fees of both legs.

    `risk` is |entry - first stop| * quantity, NaN for a trade without a stop; None when no trade says.
    """

    entry_time_ms: Times
    exit_time_ms: Times
    entry_price: Floats
    exit_price: Floats
    quantity: Floats
    fees: Floats
    pnl_gross: Floats
    pnl: Floats
    risk: Floats | None = None

    def __len__(self) -> int:
        return len(self.pnl)

    @classmethod
    def of(cls, rows: Sequence[TradeRow], risk: Sequence[float] | None = None) -> "TradeColumns":
        """Return the columns of trade records."""

        def floats(name: str) -> Floats:
            return np.array([getattr(row, name) for row in rows], dtype=np.float64)

        def times(name: str) -> Times:
            return np.array([getattr(row, name) for row in rows], dtype=np.int64)

        return cls(
            entry_time_ms=times("entry_time_ms"),
            exit_time_ms=times("exit_time_ms"),
            entry_price=floats("entry_price"),
            exit_price=floats("exit_price"),
            quantity=floats("quantity"),
            fees=floats("fees"),
            pnl_gross=floats("pnl_gross"),
            pnl=floats("pnl"),
            risk=None if risk is None else np.asarray(risk, dtype=np.float64),
        )
