"""The history that a callback gets: the bars up to the current one, read-only; every access is O(1)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.quant import indicators
from seatrial_trading.quant.candles import Candles

Floats = NDArray[np.float64]
TIME_KEYS = ("timestamp", "time")
PRICE_KEYS = ("open", "high", "low", "close", "volume")
KEYS = (*TIME_KEYS, *PRICE_KEYS)


class Bar(Mapping[str, Any]):  # Any: float prices, an int time
    """One read-only bar: `timestamp` (also `time`, epoch ms of its open), open, high, low, close, volume."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        return iter(KEYS)

    def __len__(self) -> int:
        return len(KEYS)

    def __repr__(self) -> str:
        return f"Bar({dict(self)!r})"


class BarHistory(Sequence[Bar]):
    """The bars up to the current one, oldest first: indexing, slices, iteration, columns and O(1) indicators.

    Example:
        h[-1]["close"], h.close(), h.close(10), h[-20:], len(h), h["close"][-5:].mean(), h.sma(20), h.rsi(14)
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: int) -> Bar: ...

    @overload
    def __getitem__(self, key: slice) -> list[Bar]: ...

    @overload
    def __getitem__(self, key: str) -> Floats: ...

    def __getitem__(self, key: int | slice | str) -> Bar | list[Bar] | Floats:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def open(self, ago: int = 0) -> float:
        """Return the open `ago` bars ago; faster than `h[-1 - ago]["open"]`."""
        raise NotImplementedError

    def high(self, ago: int = 0) -> float:
        """Return the high `ago` bars ago."""
        raise NotImplementedError

    def low(self, ago: int = 0) -> float:
        """Return the low `ago` bars ago."""
        raise NotImplementedError

    def close(self, ago: int = 0) -> float:
        """Return the close `ago` bars ago."""
        raise NotImplementedError

    def volume(self, ago: int = 0) -> float:
        """Return the volume `ago` bars ago."""
        raise NotImplementedError

    def sma(self, n: int = 20) -> float:
        """Return the mean of the last n closes, NaN if there are fewer."""
        raise NotImplementedError

    def ema(self, n: int = 20) -> float:
        """Return the exponential mean of the closes, seeded with the mean of the first n."""
        raise NotImplementedError

    def std(self, n: int = 20) -> float:
        """Return the population standard deviation of the last n closes."""
        raise NotImplementedError

    def rsi(self, n: int = 14) -> float:
        """Return Wilder's RSI of the closes, 0 to 100, NaN during the warm-up."""
        raise NotImplementedError

    def atr(self, n: int = 14) -> float:
        """Return Wilder's average true range."""
        raise NotImplementedError

    def highest(self, n: int = 20) -> float:
        """Return the highest high of the last n bars, the current one included."""
        raise NotImplementedError

    def lowest(self, n: int = 20) -> float:
        """Return the lowest low of the last n bars, the current one included."""
        raise NotImplementedError


INDICATORS = {"sma": 20, "ema": 20, "std": 20, "rsi": 14, "atr": 14, "highest": 20, "lowest": 20}


def open_history(candles: Candles) -> tuple[BarHistory, Iterator[int]]:
    """Return an empty history, and an iterator that reveals one more bar at each step.

    The bars are in closures, not in attributes, and every access checks how many bars are revealed. A column is a
    view of a buffer that is filled bar by bar, so that its `.base` has no future bars either. An indicator is computed
    once for the whole series; it is causal, and only its current value is returned.
    """
    now = [0]  # how many bars are revealed
    history = _history(candles, _bar(candles, now), now)
    for name, default in INDICATORS.items():
        setattr(history, name, _indicator(candles, name, default, now))
    for name in PRICE_KEYS:
        setattr(history, name, _price(getattr(candles, name).data, name, now))

    def advance() -> Iterator[int]:
        for index in range(len(candles)):
            now[0] = index + 1
            yield index

    return history(), advance()


def _bar(candles: Candles, now: list[int]) -> Callable[[int], Bar]:
    cells: dict[str, memoryview] = {name: getattr(candles, name).data for name in PRICE_KEYS}
    cells |= dict.fromkeys(TIME_KEYS, candles.time_ms.data)

    class RevealedBar(Bar):
        __slots__ = ("_index",)

        def __init__(self, index: int) -> None:
            self._index = index

        def __getitem__(self, key: str) -> Any:
            index = self._index
            if 0 <= index < now[0]:
                return cells[key][index]
            raise IndexError(f"bar {index} is in the future; the history has {now[0]} bars")

    return RevealedBar


def _history(candles: Candles, bar: Callable[[int], Bar], now: list[int]) -> type[BarHistory]:
    columns = {name: _growing(getattr(candles, name)) for name in PRICE_KEYS}
    columns |= dict.fromkeys(TIME_KEYS, _growing(candles.time_ms))

    class RevealedHistory(BarHistory):
        __slots__ = ()

        def __len__(self) -> int:
            return now[0]

        def __getitem__(self, key: Any) -> Any:
            try:
                if key < 0:
                    key += now[0]
                    if key >= 0:
                        return bar(key)
                elif key < now[0]:
                    return bar(key)
            except TypeError:
                return self._part(key)
            raise IndexError(f"the history has {now[0]} bars; the index is outside")

        def _part(self, key: slice | str) -> list[Bar] | NDArray[Any]:
            if isinstance(key, str):
                return columns[key](now[0])
            return [bar(index) for index in range(*key.indices(now[0]))]

        def __iter__(self) -> Iterator[Bar]:
            return map(bar, range(now[0]))

    return RevealedHistory


def _price(cells: memoryview, name: str, now: list[int]) -> Callable[[BarHistory, int], float]:
    def value(_: BarHistory, ago: int = 0) -> float:
        index = now[0] - 1 - ago
        if 0 <= index < now[0]:
            number: float = cells[index]
            return number
        raise IndexError(f"there is no {name} {ago} bars ago; the history has {now[0]} bars")

    return value


def _indicator(candles: Candles, name: str, default: int, now: list[int]) -> Callable[[BarHistory, int], float]:
    series: dict[int, memoryview] = {}

    def value(_: BarHistory, n: int = default) -> float:
        try:
            number: float = series[n][now[0] - 1]
        except KeyError:
            series[n] = _series(candles, name, n).data
            number = series[n][now[0] - 1]
        return number

    return value


def _growing(source: NDArray[Any]) -> Callable[[int], NDArray[Any]]:
    buffer: NDArray[Any] = np.zeros(0, dtype=source.dtype)
    filled = 0

    def column(shown: int) -> NDArray[Any]:
        nonlocal buffer, filled
        if not len(buffer):
            buffer = np.zeros(len(source), dtype=source.dtype)
        if filled < shown:
            buffer[filled:shown] = source[filled:shown]
            filled = shown
        view = buffer[:shown]
        view.flags.writeable = False
        return view

    return column


def _series(candles: Candles, name: str, n: int) -> Floats:
    close = candles.close
    match name:
        case "sma":
            series = indicators.sma(close, n)
        case "ema":
            series = indicators.ema(close, n)
        case "std":
            series = indicators.rolling_std(close, n)
        case "rsi":
            series = indicators.rsi(close, n)
        case "atr":
            series = indicators.atr(candles.high, candles.low, close, n)
        case "highest":
            series = indicators.rolling_max(candles.high, n)
        case _:
            series = indicators.rolling_min(candles.low, n)
    return np.ascontiguousarray(series, dtype=np.float64)
