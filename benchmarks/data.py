"""The bars that everybody trades: seeded ones, and real minutes where there are any; written once as arrays."""

from pathlib import Path

import numpy as np
import pandas as pd

from seatrial_trading.matching import ExecutionConfig, simulate
from seatrial_trading.matching.layout import T_EXIT_INDEX
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.rsi_bollinger import RSI_BOLLINGER, RsiBollingerParams
from seatrial_trading.strategy.signals import Signals

MINUTE_MS = 60_000
MINUTES_A_YEAR = 525_600
START_MS = 1_600_000_000_000 // MINUTE_MS * MINUTE_MS
MINUTES_FILE = "EURUSD_1m_histdata_2017H1.csv.gz"
LOOK_BACK = 10
SEEDED_STOPS = (0.02, 0.04)
MINUTE_STOPS = (0.002, 0.004)  # half a year of EURUSD seldom moves by 2 %
Columns = dict[str, np.ndarray]


def seeded(bars: int, seed: int = 7, yearly_sigma: float = 0.8) -> Columns:
    """Return minutes of a geometric random walk; one in 200 opens with a gap.

    Args:
        bars: How many.
        seed: Of everything random.
        yearly_sigma: Volatility as a ratio a year.
    """
    random = np.random.default_rng(seed)
    sigma = yearly_sigma / np.sqrt(MINUTES_A_YEAR)
    steps = sigma / np.sqrt(4) * random.standard_normal((bars, 4))
    gaps = np.where(random.random(bars) < 0.005, 4 * sigma * random.standard_normal(bars), 0.0)
    ends = np.cumsum(steps.sum(axis=1) + gaps)
    opens = np.concatenate(([0.0], ends[:-1])) + gaps
    path = np.column_stack((opens, opens[:, None] + np.cumsum(steps, axis=1)))
    prices = 100.0 * np.exp(path)
    return {
        "time": START_MS + MINUTE_MS * np.arange(bars, dtype=np.int64),
        "open": prices[:, 0],
        "high": prices.max(axis=1),
        "low": prices.min(axis=1),
        "close": prices[:, -1],
        "volume": 1.0 + 9.0 * random.random(bars),
    }


def minutes(folder: Path) -> Columns | None:
    """Return the real minutes of a data folder, None where there are none."""
    path = folder / MINUTES_FILE
    if not path.is_file():
        return None
    frame = pd.read_csv(path, parse_dates=["timestamp"])
    times = frame["timestamp"].dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    prices = {name: frame[name].to_numpy(np.float64) for name in ("open", "high", "low", "close")}
    return {"time": times, **prices, "volume": np.ones(len(frame))}


def write(columns: Columns, path: Path, stops: tuple[float, float]) -> None:
    """Write the bars and what every contender is given alike: entries of W1, stop and target, the callbacks' threshold.

    Args:
        columns: The bars.
        path: Where to.
        stops: Stop-loss and take-profit as ratios of the fill price.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prices = {name: columns[name] for name in ("open", "high", "low", "close", "volume")}
    candles = Candles(symbol="BENCH", time_ms=columns["time"], interval_ms=MINUTE_MS, **prices)
    entry = RSI_BOLLINGER.signals(candles, RsiBollingerParams()).entry != 0
    moves = np.log(columns["close"][LOOK_BACK:] / columns["close"][:-LOOK_BACK])
    rise = 1.0 + 3.0 * float(moves.std())
    given = Signals(
        entry.astype(np.int8),
        np.zeros(len(entry), dtype=np.bool_),
        np.full(len(entry), stops[0]),
        np.full(len(entry), stops[1]),
    )
    ended = np.zeros(len(entry), dtype=np.bool_)  # raptorbt enters again after a stop only after an exit signal
    table = simulate(candles, given, ExecutionConfig(session="auction")).table
    ended[table[:, T_EXIT_INDEX].astype(np.int64)] = True
    given_all = {"entry": entry, "ended": ended, "stops": np.array(stops), "rise": np.array([rise])}
    np.savez(path, allow_pickle=False, **columns, **given_all)
