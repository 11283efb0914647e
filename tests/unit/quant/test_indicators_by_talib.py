"""Indicators are TA-Lib's at every bar of fixed ones: scripts/talib_golden.py wrote the file with TA-Lib itself."""

import json
from pathlib import Path

import numpy as np
import pytest

from seatrial_trading.quant import indicators
from seatrial_trading.quant.column import Floats

GOLDEN = json.loads(Path(__file__).with_name("talib_golden.json").read_text(encoding="utf-8"))
HIGH, LOW, CLOSE = (np.array(GOLDEN["bars"][name]) for name in ("high", "low", "close"))
RELATIVE = 1e-10


def ours(name: str) -> Floats:
    """Return our column for a name of the file, like `macd 12 26 9 line`."""
    match name.split():
        case ["rsi", n]:
            return indicators.rsi(CLOSE, int(n))
        case ["ema", n]:
            return indicators.ema(CLOSE, int(n))
        case ["atr", n]:
            return indicators.atr(HIGH, LOW, CLOSE, int(n))
        case ["donchian", n, part]:
            values = getattr(indicators.donchian(HIGH, LOW, int(n)), part)
        case ["bollinger", n, width, part]:
            values = getattr(indicators.bollinger(CLOSE, int(n), float(width)), part)
        case ["macd", fast, slow, signal, part]:
            values = getattr(indicators.macd(CLOSE, int(fast), int(slow), int(signal)), part)
        case _:
            raise AssertionError(name)
    assert isinstance(values, np.ndarray)
    return values


@pytest.mark.parametrize("name", GOLDEN["columns"])
def test_an_indicator_is_talibs_at_every_bar(name: str) -> None:
    expected, values = np.array(GOLDEN["columns"][name], dtype=np.float64), ours(name)

    first = int(np.flatnonzero(~np.isnan(expected))[0])
    assert not np.isnan(expected[first:]).any()
    np.testing.assert_allclose(values[first:], expected[first:], rtol=RELATIVE, atol=1e-12 * CLOSE.max())
    # TA-Lib keeps the line of a MACD back until its signal is there.
    if not name.endswith(" line"):
        assert np.isnan(values[:first]).all()


def test_the_file_holds_every_indicator_of_the_built_in_strategies() -> None:
    assert {name.split()[0] for name in GOLDEN["columns"]} == {"rsi", "bollinger", "ema", "atr", "macd", "donchian"}
    assert all(len(column) == len(CLOSE) for column in GOLDEN["columns"].values())
