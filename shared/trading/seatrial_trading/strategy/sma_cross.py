"""Two simple moving averages: long when the fast one crosses above the slow one."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seatrial_trading.quant.averages import sma
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.position import Mode, signals_for, target_after_crosses
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals

Bars = Annotated[int, Field(ge=1, le=5_000)]


class SmaCrossParams(BaseModel):
    """Lengths in bars, and whether a cross below closes (long_flat) or reverses (long_short).

    Example:
        >>> closes = [3, 2, 1, 2, 3]
        >>> rows = {"time": [60_000 * i for i in range(5)]} | dict.fromkeys(("open", "high", "low", "close"), closes)
        >>> candles = Candles.from_columns("ABC", rows)
        >>> SMA_CROSS.signals(candles, SmaCrossParams(fast=1, slow=2)).entry.tolist()
        [0, 0, 0, 1, 0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fast: Bars = 10
    slow: Bars = 30
    mode: Mode = "long_flat"

    @model_validator(mode="after")
    def _fast_is_faster(self) -> "SmaCrossParams":
        if self.fast >= self.slow:
            raise ValueError(f"`fast` must be less than `slow`, found fast={self.fast} slow={self.slow}")
        return self


def _compute(candles: Candles, params: SmaCrossParams) -> Signals:
    fast, slow = sma(candles.close, params.fast), sma(candles.close, params.slow)
    return signals_for(target_after_crosses(fast, slow, params.mode))


def _warm_up(params: SmaCrossParams) -> int:
    return params.slow + 1


SMA_CROSS = ArrayStrategy(
    name="sma_cross",
    version="1",
    summary="long when SMA(fast) crosses above SMA(slow), flat or short when it crosses below",
    params=SmaCrossParams,
    warm_up=_warm_up,
    compute=_compute,
)
