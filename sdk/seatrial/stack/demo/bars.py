"""The demo's bars: five US stocks, daily, 2000 to 2013, public domain, with their true splits applied once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seatrial.stack.errors import StackError
from seatrial_core.timestamps import to_epoch_ms

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")

# The source's prices are unadjusted. AAPL's fall of 2000-09-29 (53.50 to 28.19) is a crash, not a split, and stays.
# Dividends are ignored.
SPLITS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "AAPL": (("2000-06-21", 2), ("2005-02-28", 2)),
    "MSFT": (("2003-02-18", 2),),
}


@dataclass(frozen=True)
class SymbolBars:
    """The bars of one symbol in the wire's columns: `time` in epoch ms, prices in today's shares."""

    symbol: str
    columns: Mapping[str, Sequence[float]]

    def __len__(self) -> int:
        return len(self.columns["time"])


def load() -> list[SymbolBars]:
    """Return the bars of the five symbols.

    Raises:
        StackError: The package with the prices is not installed.
    """
    try:
        from bokeh_sampledata import stocks
    except ImportError as error:
        raise StackError(
            "The demo's prices are missing. Install them: pip install 'seatrial[demo]' (or run `make install`)."
        ) from error
    return [_symbol(symbol, getattr(stocks, symbol)) for symbol in SYMBOLS]


def _symbol(symbol: str, source: Mapping[str, Sequence[Any]]) -> SymbolBars:  # Any: texts and numbers by column
    times = [_epoch_ms(text) for text in source["date"]]
    factors = split_factors(times, SPLITS.get(symbol, ()))
    columns: dict[str, Sequence[float]] = {"time": times}
    for name in ("open", "high", "low", "close"):
        columns[name] = [float(price) / factor for price, factor in zip(source[name], factors, strict=True)]
    columns["volume"] = [float(shares) * factor for shares, factor in zip(source["volume"], factors, strict=True)]
    return SymbolBars(symbol, columns)


def split_factors(times_ms: Sequence[int], splits: Sequence[tuple[str, int]]) -> list[int]:
    """Return, for each bar, into how many of the last bar's shares one share of then was split.

    Args:
        times_ms: Bar opens, epoch ms.
        splits: (first day of the new shares, new shares for one old), any order.
    """
    factors = [1] * len(times_ms)
    for day, ratio in splits:
        first_ms = _epoch_ms(day)
        factors = [
            factor * ratio if time < first_ms else factor for factor, time in zip(factors, times_ms, strict=True)
        ]
    return factors


def _epoch_ms(day: str) -> int:
    return to_epoch_ms(datetime.fromisoformat(day).replace(tzinfo=UTC))
