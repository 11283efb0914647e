"""Invariants I6 to I9: scaled and mirrored markets, costs, and the order of worst, nearest, magnified and best."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.matching.invariants import invariant
from tests.unit.matching.random_markets import ANY_TERMS, HOUR_MS, SEEDS, RandomMarket, random_market
from tests.unit.matching.tables import one_entry

from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.matching.config import IntrabarName
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]
DISTANCES = st.floats(0.002, 0.08) | st.sampled_from([0.0025, 0.005, 0.01, 0.02, 0.04])  # whole quarters of 100 too
PRICES = ("open", "high", "low", "close")
ALL_WAYS: tuple[IntrabarName, ...] = ("worst", "best", "nearest")
FEES = st.sampled_from([0.0, 0.002])
NO_COSTS = ExecutionConfig(cash=1e6, taker_fee_rate=0.0, sizing="fixed:2", allow_short=True)


def shape(result: Simulation) -> list[tuple[int, int, str, bool, bool]]:
    """Return what happened when, without prices."""
    return [(t.entry_index, t.exit_index, t.exit_reason, t.gap, t.ambiguous) for t in result.trades]


def scaled(market: RandomMarket, factor: float) -> RandomMarket:
    """Return the market with all prices times a factor; money sizes too."""
    signals = market.signals
    assert signals.base is not None and signals.size is not None and signals.stop_loss is not None
    assert signals.take_profit is not None and signals.trailing is not None
    assert signals.limit_price is not None and signals.stop_price is not None
    absolute = np.where(signals.base != 0, factor, 1.0)
    return RandomMarket(
        replace(market.candles, **{name: getattr(market.candles, name) * factor for name in PRICES}),
        replace(
            signals,
            stop_loss=signals.stop_loss * absolute,
            take_profit=signals.take_profit * absolute,
            trailing=signals.trailing * np.where(signals.base == 1, factor, 1.0),
            limit_price=signals.limit_price * factor,
            stop_price=signals.stop_price * factor,
            size=np.where(signals.size_kind == 1, signals.size * factor, signals.size),
        ),
    )


@invariant("I6", few=40, thorough=600)
@given(SEEDS, ANY_TERMS, st.integers(-6, 6))
def test_i6_prices_times_ten_make_ten_times_the_money_and_the_same_returns(
    seed: int, terms: ExecutionConfig, power: int
) -> None:
    market, factor = random_market(seed), 10.0**power
    kind, number = terms.sizing.split(":")
    dearer = replace(
        terms,
        cash=terms.cash * factor,
        fixed_fee=terms.fixed_fee * factor,
        tick_size=terms.tick_size * factor,
        min_notional=terms.min_notional * factor,
        sizing=f"{kind}:{float(number) * factor!r}" if kind == "notional" else terms.sizing,
    )
    other = scaled(market, factor)

    one, ten = simulate(market.candles, market.signals, terms), simulate(other.candles, other.signals, dearer)

    assert shape(one) == shape(ten)
    returns = [[trade.return_ratio for trade in run.trades] for run in (one, ten)]
    assert returns[0] == pytest.approx(returns[1], rel=1e-8, abs=1e-11)
    assert (one.equity * factor).tolist() == pytest.approx(ten.equity.tolist(), rel=1e-9)


def grid(seed: int, n: int = 60) -> RandomMarket:
    """Return a market whose prices and distances are whole quarters below 200, so that mirroring rounds nothing."""
    draw, market = np.random.default_rng(seed), random_market(seed, n, has_sizes=False)

    def quarters(values: Floats | None) -> Floats:
        assert values is not None
        return np.round(values * 4) / 4

    close = 100.0 + np.clip(np.cumsum(draw.integers(-8, 9, n)), -200, 200) / 4
    opened = np.concatenate([[100.0], close[:-1]]) + draw.integers(-8, 9, n) / 4 * (draw.random(n) < 0.3)
    high, low = (np.abs(draw.integers(-8, 9, n)) / 4 for _ in range(2))
    candles = replace(
        market.candles,
        open=opened,
        high=np.maximum(opened, close) + high,
        low=np.minimum(opened, close) - low,
        close=close,
    )
    signals, distance = market.signals, draw.integers(1, 16, (5, n)) / 4
    sides = np.where(signals.entry < 0, -1.0, 1.0)
    kind = signals.entry_type
    assert kind is not None
    limit, trigger = close + distance[3] - 2, close + distance[4] - 2
    reference = np.choose(kind, [close, limit, trigger, limit])
    keep = draw.random((3, n)) < 0.6
    return RandomMarket(
        candles,
        replace(
            signals,
            stop_loss=np.where(keep[0], reference - sides * distance[0], np.nan),
            take_profit=np.where(keep[1], reference + sides * distance[1], np.nan),
            trailing=np.where(keep[2], distance[2], np.nan),
            base=np.ones(n, dtype=np.int8),
            limit_price=quarters(limit),
            stop_price=quarters(trigger),
        ),
    )


def mirrored_about_100(market: RandomMarket) -> RandomMarket:
    """Return the market upside down, with longs for shorts."""
    bars, signals = market.candles, market.signals
    flipped = replace(bars, open=200 - bars.open, high=200 - bars.low, low=200 - bars.high, close=200 - bars.close)

    def over(values: Floats | None) -> Floats:
        assert values is not None
        return 200.0 - values

    names = ("stop_loss", "take_profit", "limit_price", "stop_price")
    columns: dict[str, Any] = {name: over(getattr(signals, name)) for name in names}
    return RandomMarket(flipped, replace(signals, entry=-signals.entry, **columns))


@invariant("I7", few=40, thorough=700)
@given(
    SEEDS,
    st.sampled_from(["worst", "best", "nearest"]),
    st.sampled_from(["continuous", "auction"]),
    st.sampled_from(["touch", "through"]),
    st.sampled_from([0, 1, 3]),
)
def test_i7_a_mirrored_market_makes_the_mirrored_trades(
    seed: int, intrabar: IntrabarName, session: str, limit_fill: str, ticks: int
) -> None:
    market = grid(seed)
    if intrabar == "nearest":  # it goes to the low where both extremes are as far: no such bars here
        even = market.candles.high - market.candles.open == market.candles.open - market.candles.low
        market = replace(market, candles=replace(market.candles, high=market.candles.high + even * 0.25))
    terms = replace(
        NO_COSTS,
        intrabar=intrabar,
        session="auction" if session == "auction" else "continuous",
        limit_fill="through" if limit_fill == "through" else "touch",
        tick_size=0.25,
        slippage_ticks=ticks,
    )
    other = mirrored_about_100(market)

    one, two = simulate(market.candles, market.signals, terms), simulate(other.candles, other.signals, terms)

    assert shape(one) == shape(two)
    assert [(t.entry_price, t.exit_price) for t in one.trades] == [
        (200 - t.entry_price, 200 - t.exit_price) for t in two.trades
    ]
    assert [t.side for t in one.trades] == [{"long": "short", "short": "long"}[t.side] for t in two.trades]
    assert one.equity.tolist() == two.equity.tolist()
    assert one.low_equity.tolist() == two.low_equity.tolist()
    assert one.rejections.tolist() == two.rejections.tolist()


@invariant("I8", few=40, thorough=500)
@given(SEEDS, ANY_TERMS.map(lambda terms: replace(terms, tick_size=0.0, slippage_ticks=0, limit_fill="touch")))
def test_i8_costs_never_make_the_same_fills_better(seed: int, terms: ExecutionConfig) -> None:
    # Stops as prices, no trailing, sizes in units: then costs change neither what is filled nor how much of it.
    market = grid(seed)
    signals = replace(market.signals, trailing=None)
    free = replace(NO_COSTS, session=terms.session, intrabar="nearest", allow_short=terms.allow_short, sizing="fixed:2")
    fees = replace(free, taker_fee_rate=terms.taker_fee_rate, fixed_fee=terms.fixed_fee)
    slips = replace(free, slippage_bps=terms.slippage_bps)

    cheap, charged, slipped = (simulate(market.candles, signals, terms) for terms in (free, fees, slips))

    assert shape(cheap) == shape(charged) == shape(slipped)
    assert charged.final_cash == pytest.approx(cheap.final_cash - sum(t.fees for t in charged.trades), abs=1e-6)
    assert slipped.final_cash == pytest.approx(cheap.final_cash - sum(t.slippage for t in slipped.trades), abs=1e-6)
    assert (charged.equity <= cheap.equity + 1e-9).all()
    assert (slipped.equity <= cheap.equity + 1e-9).all()


def inside(market: RandomMarket, size: int) -> tuple[Candles, Candles]:
    """Return the bars without gaps between them, and the bars that `size` of them make."""
    bars = market.candles
    opened = np.concatenate([bars.open[:1], bars.close[:-1]])
    finer = replace(bars, open=opened, high=np.maximum(bars.high, opened), low=np.minimum(bars.low, opened))
    tops, bottoms = finer.high.reshape(-1, size).max(axis=1), finer.low.reshape(-1, size).min(axis=1)
    ends, volume = finer.close[size - 1 :: size], finer.volume[::size]
    return finer, Candles("W", bars.time_ms[::size], opened[::size], tops, bottoms, ends, volume, HOUR_MS * size)


@invariant("I9", few=40, thorough=700)
@given(SEEDS, st.sampled_from([random_market, grid]), st.sampled_from([1, -1]), DISTANCES, DISTANCES, FEES)
def test_i9_one_bracket_is_worst_nearest_magnified_best_in_order(
    seed: int, make: Callable[[int, int], RandomMarket], side: int, stop: float, target: float, fee: float
) -> None:
    finer, bars = inside(make(seed, 120), 4)
    signals: Signals = one_entry(len(bars), stop, target, side=side, base="fill")
    terms = replace(NO_COSTS, taker_fee_rate=fee)

    worst, best, nearest = (simulate(bars, signals, replace(terms, intrabar=way)).equity[-1] for way in ALL_WAYS)
    seen = simulate(bars, signals, replace(terms, intrabar="magnify"), finer)

    assert worst <= nearest <= best
    assert worst <= seen.equity[-1] <= best
    assert seen.unmagnified_bars == 0
