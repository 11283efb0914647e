"""Buy at the first tradable open and hold: what every other strategy has to beat."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals


class BuyAndHoldParams(BaseModel):
    """It has no parameters.

    Example:
        >>> closes = [1, 2, 3]
        >>> rows = {"time": [60_000 * i for i in range(3)]} | dict.fromkeys(("open", "high", "low", "close"), closes)
        >>> candles = Candles.from_columns("ABC", rows)
        >>> BUY_AND_HOLD.signals(candles, BuyAndHoldParams()).entry.tolist()
        [1, 0, 0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


def _compute(candles: Candles, params: BuyAndHoldParams) -> Signals:
    entry = np.zeros(len(candles), dtype=np.int8)
    entry[:1] = 1
    never = np.zeros(len(candles), dtype=np.bool_)
    return Signals(entry=entry, exit=never, stop_loss=None, take_profit=None, trailing=None, stop_base="fill")


def _warm_up(params: BuyAndHoldParams) -> int:
    return 1


BUY_AND_HOLD = ArrayStrategy(
    name="buy_and_hold",
    version="1",
    summary="buys at the open of the second bar and holds to the end",
    params=BuyAndHoldParams,
    warm_up=_warm_up,
    compute=_compute,
)
