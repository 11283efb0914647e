"""Execution rules of a run, validated and packed for the compiled step."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import field_error
from seatrial_trading.matching import layout
from seatrial_trading.matching.layout import Intrabar, SizeKind
from seatrial_trading.quant import sizing as sizes

IntrabarName = Literal["worst", "best", "nearest", "magnify", "random", "seed_bits"]
BASIS_POINT = 1e-4
YEAR_MS = 31_557_600_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class ExecutionConfig:
    """Initial balance, costs, sizing and the intrabar rule of a run.

    Args:
        cash: Initial balance in quote currency, > 0.
        taker_fee_rate, maker_fee_rate: Ratios of the filled notional, on both sides; maker None uses the taker rate.
        fixed_fee: Money per fill, >= 0.
        slippage_bps, slippage_ticks: Against the trader, on market and stop fills, >= 0; ticks need a tick size.
        tick_size, lot_size: Price and quantity steps, 0 for none; always rounded against the trader.
        min_notional: Smallest value of an entry in quote currency; smaller entries are rejected.
        session: `continuous`: a limit that the bar opens beyond fills at the limit; `auction`: at the open.
        intrabar: Which price path an ambiguous bar uses. `magnify` follows finer bars and uses `worst` for those and
            for bars without finer ones; `random` draws from the seed; `seed_bits` takes one bit of the seed for each
            ambiguous bar, 1 for the path that visits the unfavourable extreme first.
        limit_fill: `touch` fills a limit that is reached; `through` one that is passed by a tick.
        allow_short: Whether entries may sell short.
        sizing: A sizing rule of `quant.sizing`, such as `equity:1.0`.
        close_at_end: Whether to close the open position at the last close.
        seed: Seed of `random`, or the bits of `seed_bits`.

    Raises:
        ValidationFailed: A value is out of range; names the field, its value and what is allowed.

    Example:
        >>> ExecutionConfig(cash=5_000, taker_fee_rate=0.0005, sizing="risk:0.01").intrabar
        'worst'
    """

    cash: float = 10_000.0
    taker_fee_rate: float = 0.001
    maker_fee_rate: float | None = None
    fixed_fee: float = 0.0
    slippage_bps: float = 0.0
    slippage_ticks: int = 0
    tick_size: float = 0.0
    lot_size: float = 0.0
    min_notional: float = 0.0
    session: Literal["continuous", "auction"] = "continuous"
    intrabar: IntrabarName = "worst"
    limit_fill: Literal["touch", "through"] = "touch"
    allow_short: bool = False
    sizing: str = "equity:1.0"
    close_at_end: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.cash > 0:
            raise field_error("cash", self.cash, "a number above 0")
        for name in ("fixed_fee", "slippage_bps", "slippage_ticks", "tick_size", "lot_size", "min_notional"):
            if not getattr(self, name) >= 0:
                raise field_error(name, getattr(self, name), "a number of at least 0")
        if self.slippage_ticks and not self.tick_size:
            raise field_error("slippage_ticks", self.slippage_ticks, "0, or any with a tick_size above 0")
        if self.limit_fill == "through" and not self.tick_size:
            raise field_error("limit_fill", self.limit_fill, "`touch`, or `through` with a tick_size above 0")
        if self.intrabar not in get_args(IntrabarName):
            raise field_error("intrabar", self.intrabar, "worst, best, nearest or magnify")
        sizes.parse(self.sizing)

    def pack(self, interval_ms: int = DAY_MS) -> NDArray[np.float64]:
        """Return the rules as the array of the compiled step, float64[C_SIZE].

        Args:
            interval_ms: Length of a bar in milliseconds; only volatility sizing uses it.
        """
        size = sizes.parse(self.sizing)
        packed = np.zeros(layout.C_SIZE)
        packed[layout.C_TAKER] = self.taker_fee_rate
        packed[layout.C_MAKER] = self.taker_fee_rate if self.maker_fee_rate is None else self.maker_fee_rate
        packed[layout.C_FIXED_FEE] = self.fixed_fee
        packed[layout.C_SLIP_RATIO] = self.slippage_bps * BASIS_POINT
        packed[layout.C_SLIP_PRICE] = self.slippage_ticks * self.tick_size
        packed[layout.C_TICK] = self.tick_size
        packed[layout.C_LOT] = self.lot_size
        packed[layout.C_MIN_NOTIONAL] = self.min_notional
        packed[layout.C_AUCTION] = self.session == "auction"
        packed[layout.C_THROUGH] = self.tick_size if self.limit_fill == "through" else 0.0
        packed[layout.C_INTRABAR] = Intrabar[self.intrabar.upper()]
        packed[layout.C_ALLOW_SHORT] = self.allow_short
        packed[layout.C_SIZE_KIND] = SizeKind[size.kind.name]
        packed[layout.C_SIZE_VALUE] = size.value
        packed[layout.C_KELLY_CAP] = size.cap
        packed[layout.C_KELLY_MINIMUM] = size.minimum_trades
        packed[layout.C_KELLY_FALLBACK] = size.fallback_risk
        packed[layout.C_SEED] = self.seed
        packed[layout.C_BARS_PER_YEAR] = YEAR_MS / interval_ms
        return packed

    def new_state(self) -> NDArray[np.float64]:
        """Return an account with the initial balance and no position, float64[S_SIZE]."""
        state = np.zeros(layout.S_SIZE)
        state[layout.S_CASH] = self.cash
        for place in (layout.S_STOP, layout.S_TARGET, layout.S_TRAIL, layout.S_INITIAL_STOP):
            state[place] = np.nan
        return state
