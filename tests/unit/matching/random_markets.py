"""Random markets, decisions and execution rules that combine every feature, for the invariants."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from seatrial_trading.matching import ExecutionConfig
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]
HOUR_MS = 3_600_000
SEEDS = st.integers(0, 2**32 - 1)
TERMS = st.builds(
    ExecutionConfig,
    taker_fee_rate=st.sampled_from([0.0, 0.001, 0.02]),
    maker_fee_rate=st.sampled_from([None, 0.0004, -0.0002]),
    fixed_fee=st.sampled_from([0.0, 0.5]),
    slippage_bps=st.sampled_from([0.0, 5.0, 60.0]),
    slippage_ticks=st.sampled_from([0, 2]),
    tick_size=st.sampled_from([0.05, 0.3]),
    lot_size=st.sampled_from([0.0, 0.1]),
    min_notional=st.sampled_from([0.0, 400.0]),
    session=st.sampled_from(["continuous", "auction"]),
    intrabar=st.sampled_from(["worst", "best", "nearest", "random"]),
    limit_fill=st.sampled_from(["touch", "through"]),
    allow_short=st.booleans(),
    sizing=st.sampled_from(["equity:1.0", "fixed:2", "notional:900", "risk:0.01", "kelly:0.5", "vol:0.5"]),
    close_at_end=st.booleans(),
    seed=st.integers(0, 5),
)
# Without a grid of prices; what needs one is off.
GRIDLESS = TERMS.map(lambda terms: replace(terms, slippage_ticks=0, limit_fill="touch", tick_size=0.0))
ANY_TERMS = TERMS | GRIDLESS


@dataclass(frozen=True)
class RandomMarket:
    """Bars and the decisions on them."""

    candles: Candles
    signals: Signals


def random_market(seed: int, n: int = 90, *, side: int = 0, has_sizes: bool = True) -> RandomMarket:
    """Return bars about 100 with gaps, flat bars and wide ones, and decisions of every kind.

    Args:
        seed: The same seed gives the same.
        n: How many bars.
        side: +1 or -1 for entries of one side only.
        has_sizes: Whether some entries name their own size.
    """
    draw = np.random.default_rng(seed)
    bars = _bars(draw, n)
    return RandomMarket(bars, _signals(draw, bars.close, side, has_sizes))


def _bars(draw: np.random.Generator, n: int) -> Candles:
    step = draw.normal(0, draw.choice([0.002, 0.01, 0.03]), n)
    close = 100.0 * np.exp(np.cumsum(np.clip(step, -0.1, 0.1)))
    opened = np.concatenate([[100.0], close[:-1]]) * np.exp(draw.normal(0, 0.015, n) * (draw.random(n) < 0.3))
    wide = draw.choice([0.0, 0.004, 0.02], n)
    high = np.maximum(opened, close) * (1 + draw.exponential(1.0, n).clip(0, 4) * wide)
    low = np.minimum(opened, close) * (1 - draw.exponential(1.0, n).clip(0, 4) * wide)
    volume = draw.integers(0, 3, n).astype(np.float64)
    return Candles("W", HOUR_MS * np.arange(n), opened, high, low, close, volume, HOUR_MS)


def _signals(draw: np.random.Generator, close: Floats, side: int, has_sizes: bool) -> Signals:
    n = len(close)
    sides = draw.choice([-1, 1], n) if side == 0 else np.full(n, side)
    entry = np.where(draw.random(n) < draw.choice([0.1, 0.5]), sides, 0).astype(np.int8)
    base = draw.choice([0, 1, 2], n).astype(np.int8)
    absolute = base != 0
    kind = draw.choice([0, 0, 0, 1, 2, 3], n).astype(np.int8)
    limit, trigger = (close * draw.uniform(0.98, 1.02, n) for _ in range(2))
    reference = np.choose(kind, [close, limit, trigger, limit])
    # One stop in ten is on the wrong side of a market entry.
    wrong = np.where(draw.random(n) < 0.1, -1.0, 1.0)

    def some(share: float, highest: float) -> Floats:
        return np.where(draw.random(n) < share, draw.uniform(0.002, highest, n), np.nan)

    stop, target, trail = some(0.7, 0.03), some(0.6, 0.04), some(0.3, 0.03)
    kinds = draw.integers(0, 4, n).astype(np.int8)
    sizes = np.choose(kinds, [draw.uniform(0.5, 5, n), draw.uniform(100, 2_000, n), *draw.uniform(0.002, 0.9, (2, n))])
    return Signals(
        entry=entry,
        exit=draw.random(n) < 0.1,
        stop_loss=np.where(absolute, reference * (1 - wrong * sides * stop), stop),
        take_profit=np.where(absolute, reference * (1 + wrong * sides * target), target),
        trailing=np.where(base == 1, close * trail, trail),
        base=base,
        entry_type=kind,
        limit_price=limit,
        stop_price=trigger,
        expires=draw.integers(0, 6, n),
        size=np.where(draw.random(n) < 0.4, sizes, np.nan) if has_sizes else None,
        size_kind=kinds if has_sizes else None,
    )
