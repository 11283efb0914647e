"""Writes TA-Lib's results on fixed bars, the reference of our indicators' test; only this script needs TA-Lib."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import talib

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "unit" / "quant" / "talib_golden.json"
BARS = 130


def bars() -> dict[str, list[float]]:
    """Return bars of a random walk in cents, with gaps and a constant stretch."""
    draw = np.random.default_rng(20261123)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0, 0.02, BARS)))
    close[60:66] = close[60]
    high = close * (1 + draw.exponential(0.01, BARS))
    low = close * (1 - draw.exponential(0.01, BARS))
    return {name: column.round(2).tolist() for name, column in (("high", high), ("low", low), ("close", close))}


def talib_columns(high: Any, low: Any, close: Any) -> dict[str, Any]:  # Any: TA-Lib has no types
    """Return TA-Lib's columns, by our name for each and its parameters."""
    columns = {f"rsi {n}": talib.RSI(close, n) for n in (2, 14)}
    columns |= {f"ema {n}": talib.EMA(close, n) for n in (5, 26)}
    columns |= {f"atr {n}": talib.ATR(high, low, close, n) for n in (3, 14)}
    columns |= {f"donchian {n} upper": talib.MAX(high, n) for n in (4, 20)}
    columns |= {f"donchian {n} lower": talib.MIN(low, n) for n in (4, 20)}
    for n, width in ((5, 2.5), (20, 2.0)):
        bands = talib.BBANDS(close, n, width, width)
        columns |= {f"bollinger {n} {width} {name}": bands[i] for i, name in enumerate(("upper", "middle", "lower"))}
    for fast, slow, signal in ((5, 10, 4), (12, 26, 9)):
        lines = talib.MACD(close, fast, slow, signal)
        names = enumerate(("line", "signal", "histogram"))
        columns |= {f"macd {fast} {slow} {signal} {name}": lines[i] for i, name in names}
    return columns


def main() -> int:
    """Rewrite the file."""
    series = bars()
    columns = talib_columns(*(np.array(series[name]) for name in ("high", "low", "close")))
    values = {name: [None if np.isnan(value) else float(value) for value in column] for name, column in columns.items()}
    document = {"talib": talib.__version__, "bars": series, "columns": values}
    text = ",\n".join(f" {json.dumps(key)}: {_lines(value)}" for key, value in document.items())
    GOLDEN.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN.name}: {len(values)} columns of {BARS} bars\n")
    return 0


def _lines(value: Any) -> str:  # Any: a text, or columns by name
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(column)}" for key, column in value.items()) + "\n }"


if __name__ == "__main__":
    sys.exit(main())
