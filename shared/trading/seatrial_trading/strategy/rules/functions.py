"""The indicators that rule documents can name: arguments, outputs, how long they take to warm up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seatrial_trading.quant import indicators
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Argument:
    """A number that an indicator takes; whole numbers are lengths in bars."""

    low: float
    high: float
    default: float | None = None
    is_whole: bool = True


@dataclass(frozen=True)
class Function:
    """An indicator: `compute` gets the source column, the candles and the arguments, and gives each output a series."""

    arguments: Mapping[str, Argument]
    outputs: tuple[str, ...]
    compute: Callable[[Floats, Candles, Numbers], tuple[Floats, ...]]
    warm_up: Callable[[Numbers], int]
    has_source: bool = True


MAX_BARS = 5_000
BARS = Argument(1, MAX_BARS)
BANDS = ("upper", "middle", "lower")


def _bars(default: int) -> Argument:
    return Argument(1, MAX_BARS, default)


def _n(numbers: Numbers) -> int:
    return int(numbers["n"])


FUNCTIONS: dict[str, Function] = {
    "sma": Function({"n": BARS}, (), lambda source, _, a: (indicators.sma(source, _n(a)),), _n),
    "ema": Function({"n": BARS}, (), lambda source, _, a: (indicators.ema(source, _n(a)),), _n),
    "rsi": Function({"n": _bars(14)}, (), lambda source, _, a: (indicators.rsi(source, _n(a)),), lambda a: _n(a) + 1),
    "std": Function({"n": BARS}, (), lambda source, _, a: (indicators.rolling_std(source, _n(a)),), _n),
    "bollinger": Function(
        {"n": _bars(20), "k": Argument(0, 20, 2.0, is_whole=False)},
        BANDS,
        lambda source, _, a: indicators.bollinger(source, _n(a), a["k"]),
        _n,
    ),
    "macd": Function(
        {"fast": _bars(12), "slow": _bars(26), "signal": _bars(9)},
        ("line", "signal", "histogram"),
        lambda source, _, a: indicators.macd(source, int(a["fast"]), int(a["slow"]), int(a["signal"])),
        lambda a: int(a["slow"] + a["signal"]) - 1,
    ),
    "atr": Function(
        {"n": _bars(14)},
        (),
        lambda _, bars, a: (indicators.atr(bars.high, bars.low, bars.close, _n(a)),),
        lambda a: _n(a) + 1,
        has_source=False,
    ),
    "donchian": Function(
        {"n": _bars(20)},
        BANDS,
        lambda _, bars, a: indicators.donchian(bars.high, bars.low, _n(a)),
        _n,
        has_source=False,
    ),
}
