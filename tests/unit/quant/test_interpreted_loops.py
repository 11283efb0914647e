"""Without numba the same loops run interpreted and give the same numbers, bit for bit."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
import numpy as np
from seatrial_trading.quant import indicators as quant
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.drawdown import deepest
from seatrial_trading.quant.returns import sample
from seatrial_trading.strategy import registry

close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 3000)))
close[1500:2200] = close[1499]
opens = np.concatenate([close[:1], close[:-1]])
high, low = np.maximum(opens, close) * 1.001, np.minimum(opens, close) * 0.999
holed = close.copy()
holed[[0, 700]] = np.nan
digest = hashlib.sha256()
for values in (close, holed):
    lines = (quant.sma(values, 20), quant.ema(values, 20), quant.rsi(values, 14), *quant.bollinger(values, 20))
    lines += (*quant.macd(values), quant.atr(values + 1, values - 1, values), quant.rolling_max(values, 9))
    for line in lines:
        digest.update(np.nan_to_num(line, nan=-1.0).tobytes())
times = np.arange(3000) * 3_600_000
digest.update(repr(deepest(close, times)).encode() + sample(close, times).returns.tobytes())
columns = {"time": times, "open": opens, "high": high, "low": low, "close": close}
candles = Candles.from_columns("X", columns, 3_600_000)
for name in ("rsi_bollinger", "sma_cross", "macd", "donchian_breakout", "buy_and_hold"):
    spec = registry.get(name)
    signals = spec.signals(candles, spec.parse({}))
    digest.update(signals.entry.tobytes() + signals.exit.tobytes())
print(digest.hexdigest())
"""


def digest(**environment: str) -> str:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_interpreted_loops_give_the_compiled_numbers() -> None:
    pytest.importorskip("numba")

    assert digest(NUMBA_DISABLE_JIT="1") == digest(NUMBA_DISABLE_JIT="0")
