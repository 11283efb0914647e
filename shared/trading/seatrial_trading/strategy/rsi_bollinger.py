"""Buy when RSI is oversold and the close is under the lower Bollinger band; stop and target from the fill price."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.jit import compiled
from seatrial_trading.quant.momentum import BLOCK, DECAYED
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals

Bars = Annotated[int, Field(ge=2, le=5_000)]


class RsiBollingerParams(BaseModel):
    """Lengths in bars, `rsi_below` on RSI's scale of 0 to 100, stop and target as ratios of the fill price.

    Example:
        >>> closes = [9, 9, 9, 5]
        >>> rows = {"time": [60_000 * i for i in range(4)]} | dict.fromkeys(("open", "high", "low", "close"), closes)
        >>> candles = Candles.from_columns("ABC", rows)
        >>> RSI_BOLLINGER.signals(candles, RsiBollingerParams(rsi_period=2, band_period=4, band_width=1)).entry.tolist()
        [0, 0, 0, 1]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rsi_period: Bars = 14
    rsi_below: Annotated[float, Field(ge=0, le=100)] = 30.0
    band_period: Bars = 20
    band_width: Annotated[float, Field(ge=0, le=20)] = 2.0
    stop_loss: Annotated[float, Field(gt=0, lt=1)] = 0.02
    take_profit: Annotated[float, Field(gt=0, le=100)] = 0.04


def _compute(candles: Candles, params: RsiBollingerParams) -> Signals:
    size = len(candles)
    entry = _entries(column(candles.close), params.rsi_period, params.rsi_below, params.band_period, params.band_width)
    return Signals(
        entry=entry,
        exit=np.zeros(size, dtype=np.bool_),
        stop_loss=np.broadcast_to(np.float64(params.stop_loss), size),
        take_profit=np.broadcast_to(np.float64(params.take_profit), size),
        trailing=None,
        stop_base="fill",
    )


@compiled
def _entries(close: Floats, rsi_period: int, rsi_below: float, n: int, width: float) -> NDArray[np.int8]:
    # quant.rsi and quant.bollinger in one pass, number for number the same (a test holds them together): the RSI loop
    # writes no array and divides only where it may be oversold, and only there a band is summed up, roughly at first.
    size = close.shape[0]
    entry = np.zeros(size, dtype=np.int8)
    keep = (rsi_period - 1.0) / rsi_period
    share = 1.0 / rsi_period
    clearly_above = rsi_below + 1e-6
    head = np.array([-1.0, 0.0, 0.0])
    tail = np.zeros((2, n + 1))
    clean = 0
    gain = 0.0
    loss = 0.0
    before = np.nan
    for block in range(0, size, BLOCK):
        if gain + loss < DECAYED:
            gain = 0.0
            loss = 0.0
        for i in range(block, min(block + BLOCK, size)):
            move = close[i] - before
            before = close[i]
            if move != move:
                clean = 0
                gain = 0.0
                loss = 0.0
                continue
            up = move if move > 0.0 else 0.0
            down = up - move
            clean += 1
            if clean > rsi_period:
                gain = gain * keep + up * share
                loss = loss * keep + down * share
            elif clean < rsi_period:
                gain += up
                loss += down
                continue
            else:
                gain = (gain + up) / rsi_period
                loss = (loss + down) / rsi_period
            moved = gain + loss
            if 100.0 * gain > clearly_above * moved or i < n - 1:
                continue
            strength = 100.0 * (gain / moved) if moved > 0.0 else 50.0
            if strength < rsi_below:
                side = _rough_side(close[i - n + 1 : i + 1], width)
                if side < 0 or (side == 0 and close[i] < _lower_band(close, i, n, width, head, tail)):
                    entry[i] = 1
    return entry


@compiled
def _rough_side(window: Floats, width: float) -> int:
    # Returns -1 where the last value is below the lower band of its window, 1 above, 0 where rounding decides.
    size, last = window.shape[0], window[-1]
    a = b = c = d = 0.0
    aa = bb = cc = dd = 0.0
    whole = size // 4 * 4
    for i in range(0, whole, 4):
        w, x, y, z = window[i] - last, window[i + 1] - last, window[i + 2] - last, window[i + 3] - last
        a, b, c, d = a + w, b + x, c + y, d + z
        aa, bb, cc, dd = aa + w * w, bb + x * x, cc + y * y, dd + z * z
    for i in range(whole, size):
        w = window[i] - last
        a, aa = a + w, aa + w * w
    mean = ((a + b) + (c + d)) / size
    spread_squared = width * width * max(((aa + bb) + (cc + dd)) / size - mean * mean, 0.0)
    doubt = 2e-12 * abs(last)
    least, most = mean - doubt, mean + doubt
    if least > 0.0 and least * least > spread_squared * (1.0 + 1e-8):
        return -1
    if most < 0.0 or most * most < spread_squared * (1.0 - 1e-8):
        return 1
    return 0


@compiled
def _lower_band(close: Floats, i: int, n: int, width: float, head: Floats, tail: Floats) -> float:
    # `head`: the last bar summed up, its sum and sum of squares from the start of its block of n bars; `tail`: those
    # of the end of the block before. Both as offsets from the block's first close, as in quant.volatility.
    start = i // n * n
    pivot = close[start]
    if head[0] < start:
        total = 0.0
        squares = 0.0
        for back in range(1, n if start > 0 else 1):
            offset = close[start - back] - pivot
            total += offset
            squares += offset * offset
            tail[0, back] = total
            tail[1, back] = squares
        head[0] = start - 1
        head[1] = 0.0
        head[2] = 0.0
    for j in range(int(head[0]) + 1, i + 1):
        offset = close[j] - pivot
        head[1] += offset
        head[2] += offset * offset
    head[0] = i
    behind = n - 1 - (i - start)
    drift = (head[1] + tail[0, behind]) / n
    variance = (head[2] + tail[1, behind]) / n - drift * drift
    lower: float = (pivot + drift) - width * np.sqrt(max(variance, 0.0))
    return lower


def _warm_up(params: RsiBollingerParams) -> int:
    return max(params.rsi_period + 1, params.band_period)


RSI_BOLLINGER = ArrayStrategy(
    name="rsi_bollinger",
    version="1",
    summary="long when RSI is oversold and the close is under the lower Bollinger band; fixed stop and target",
    params=RsiBollingerParams,
    warm_up=_warm_up,
    compute=_compute,
)
