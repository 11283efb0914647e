"""Breakout of a Donchian channel: long above the highest high of the bars before, out below a shorter lowest low."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.channels import rolling_max, rolling_min
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.jit import compiled
from seatrial_trading.strategy.position import Mode, TargetPositions, signals_for
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals

Bars = Annotated[int, Field(ge=1, le=5_000)]


class DonchianParams(BaseModel):
    """Channel lengths in bars, 1 to 5,000, and whether breakouts below are sold short (long_short).

    Example:
        >>> closes = [1, 2, 3, 2]
        >>> rows = {"time": [60_000 * i for i in range(4)]} | dict.fromkeys(("open", "high", "low", "close"), closes)
        >>> candles = Candles.from_columns("ABC", rows)
        >>> DONCHIAN_BREAKOUT.signals(candles, DonchianParams(entry_bars=2, exit_bars=1)).entry.tolist()
        [0, 0, 1, 0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_bars: Bars = 20
    exit_bars: Bars = 10
    mode: Mode = "long_flat"


def _compute(candles: Candles, params: DonchianParams) -> Signals:
    target = _target(
        column(candles.close),
        rolling_max(candles.high, params.entry_bars),
        rolling_min(candles.low, params.entry_bars),
        rolling_max(candles.high, params.exit_bars),
        rolling_min(candles.low, params.exit_bars),
        params.mode == "long_short",
    )
    return signals_for(target)


@compiled
def _target(
    close: Floats, entry_high: Floats, entry_low: Floats, exit_high: Floats, exit_low: Floats, short: bool
) -> TargetPositions:
    # The channel of the bar before: this bar's own high is never below its close.
    size = close.shape[0]
    target = np.zeros(size, dtype=np.int8)
    position = 0
    for i in range(1, size):
        if (position > 0 and close[i] < exit_low[i - 1]) or (position < 0 and close[i] > exit_high[i - 1]):
            position = 0
        if close[i] > entry_high[i - 1]:
            position = 1
        elif short and close[i] < entry_low[i - 1]:
            position = -1
        target[i] = position
    return target


def _warm_up(params: DonchianParams) -> int:
    return params.entry_bars + 1


DONCHIAN_BREAKOUT = ArrayStrategy(
    name="donchian_breakout",
    version="1",
    summary="long when the close is above the highest high of the bars before, out below a shorter lowest low",
    params=DonchianParams,
    warm_up=_warm_up,
    compute=_compute,
)
