"""MACD: long when the MACD line crosses above its signal line."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seatrial_trading.quant import momentum
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.position import Mode, signals_for, target_after_crosses
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals

Bars = Annotated[int, Field(ge=1, le=5_000)]


class MacdParams(BaseModel):
    """Lengths in bars, and whether a cross below closes (long_flat) or reverses (long_short).

    Example:
        >>> closes = [4, 3, 1, 2, 4]
        >>> rows = {"time": [60_000 * i for i in range(5)]} | dict.fromkeys(("open", "high", "low", "close"), closes)
        >>> candles = Candles.from_columns("ABC", rows)
        >>> MACD.signals(candles, MacdParams(fast=1, slow=2, signal=2)).entry.tolist()
        [0, 0, 0, 1, 0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fast: Bars = 12
    slow: Bars = 26
    signal: Bars = 9
    mode: Mode = "long_flat"

    @model_validator(mode="after")
    def _fast_is_faster(self) -> "MacdParams":
        if self.fast >= self.slow:
            raise ValueError(f"`fast` must be less than `slow`, found fast={self.fast} slow={self.slow}")
        return self


def _compute(candles: Candles, params: MacdParams) -> Signals:
    lines = momentum.macd(candles.close, params.fast, params.slow, params.signal)
    return signals_for(target_after_crosses(lines.line, lines.signal, params.mode))


def _warm_up(params: MacdParams) -> int:
    return params.slow + params.signal


MACD = ArrayStrategy(
    name="macd",
    version="1",
    summary="long when the MACD line crosses above its signal line, flat or short when it crosses below",
    params=MacdParams,
    warm_up=_warm_up,
    compute=_compute,
)
