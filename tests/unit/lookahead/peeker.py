"""A strategy as another package would offer it, with a leak."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.protocol import ArrayStrategy
from seatrial_trading.strategy.signals import Signals


class NoParams(BaseModel):
    """There are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _compute(candles: Candles, params: NoParams) -> Signals:
    up = np.append(candles.open[1:] > candles.close[:-1], False)
    return Signals(up.astype(np.int8), ~up)


PEEKER = ArrayStrategy("peeker", "1", "buys when the next bar opens higher", NoParams, lambda params: 0, _compute)
