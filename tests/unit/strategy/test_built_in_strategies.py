"""The built-in strategies: their rules on small markets, and that none of them can see ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.indicators import bollinger, rsi, sma
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.signals import Signals

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

SMALL: dict[str, dict[str, object]] = {
    "rsi_bollinger": {"rsi_period": 3, "rsi_below": 45.0, "band_period": 4, "band_width": 0.5},
    "sma_cross": {"fast": 2, "slow": 4},
    "macd": {"fast": 2, "slow": 4, "signal": 3},
    "donchian_breakout": {"entry_bars": 4, "exit_bars": 2},
    "buy_and_hold": {},
}
BOTH_WAYS = ["sma_cross", "macd", "donchian_breakout"]


def market(closes: Floats | list[float]) -> Candles:
    close = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate([close[:1], close[:-1]])
    return Candles.from_columns(
        "TEST",
        {
            "time": (np.arange(len(close)) * 60_000).tolist(),
            "open": opens.tolist(),
            "high": (np.maximum(opens, close) * 1.001).tolist(),
            "low": (np.minimum(opens, close) * 0.999).tolist(),
            "close": close.tolist(),
        },
        interval_ms=60_000,
    )


def random_walk(bars: int, seed: int = 7) -> Candles:
    return market(100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, bars))))


def run(name: str, candles: Candles, **params: object) -> Signals:
    spec = registry.get(name)
    return spec.signals(candles, spec.parse(params))


def same(one: Signals, other: Signals, rows: int) -> bool:
    pairs = [
        (getattr(one, name), getattr(other, name)) for name in ("entry", "exit", "stop_loss", "take_profit", "trailing")
    ]
    return all(a is b if a is None or b is None else a[:rows].tobytes() == b[:rows].tobytes() for a, b in pairs) and (
        one.stop_base == other.stop_base
    )


@pytest.mark.parametrize("name", SMALL)
@STEADY
@given(
    closes=st.lists(st.one_of(st.floats(50.0, 150.0), st.just(100.0)), min_size=1, max_size=60),
    data=st.data(),
)
def test_no_strategy_sees_ahead(name: str, closes: list[float], data: st.DataObject) -> None:
    candles = market(closes)
    cut = data.draw(st.integers(1, len(candles)))

    assert same(run(name, candles.head(cut), **SMALL[name]), run(name, candles, **SMALL[name]), cut)


@pytest.mark.parametrize("name", SMALL)
def test_no_signal_comes_within_the_warm_up_and_defaults_do_trade(name: str) -> None:
    spec = registry.get(name)
    params = spec.parse({})
    signals = spec.signals(random_walk(3_000), params)

    first = int(np.flatnonzero(signals.entry)[0])
    assert first >= spec.warm_up_bars(params) - 1
    assert not signals.exit[: first + 1].any() or name in BOTH_WAYS


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"rsi_period": 2, "band_period": 7, "rsi_below": 50.0, "band_width": 0.3},
        {"band_period": 500, "rsi_below": 100.0},
    ],
)
def test_rsi_bollinger_enters_exactly_where_both_indicators_agree(params: dict[str, float], seed: int) -> None:
    candles = random_walk(2_000, seed)
    values = {"rsi_period": 14, "rsi_below": 30.0, "band_period": 20, "band_width": 2.0, **params}
    strength = rsi(candles.close, int(values["rsi_period"]))
    bands = bollinger(candles.close, int(values["band_period"]), values["band_width"])

    signals = run("rsi_bollinger", candles, **params)

    np.testing.assert_array_equal(signals.entry == 1, (strength < values["rsi_below"]) & (candles.close < bands.lower))


def test_rsi_bollinger_has_a_stop_of_two_and_a_target_of_four_percent_of_the_fill() -> None:
    signals = run("rsi_bollinger", random_walk(50))

    assert signals.stop_base == "fill"
    assert signals.stop_loss is not None
    assert set(signals.stop_loss.tolist()) == {0.02}
    assert signals.take_profit is not None
    assert set(signals.take_profit.tolist()) == {0.04}
    assert signals.trailing is None
    assert not signals.exit.any()


def test_rsi_bollinger_stays_out_of_a_flat_market() -> None:
    assert not run("rsi_bollinger", market([100.0] * 60), rsi_below=100.0).entry.any()


def test_sma_cross_enters_above_and_leaves_below() -> None:
    #        0     1    2    3    4     5     6     7    8    9
    close = [10.0, 9.0, 8.0, 7.0, 10.0, 12.0, 13.0, 9.0, 6.0, 5.0]
    fast, slow = sma(close, 2), sma(close, 3)

    flat = run("sma_cross", market(close), fast=2, slow=3)
    short = run("sma_cross", market(close), fast=2, slow=3, mode="long_short")

    assert (fast[4] > slow[4], fast[3] < slow[3], fast[7] < slow[7]) == (True, True, True)
    assert np.flatnonzero(flat.entry).tolist() == [4]
    assert np.flatnonzero(flat.exit).tolist() == [7]
    assert {int(i): int(short.entry[i]) for i in np.flatnonzero(short.entry)} == {4: 1, 7: -1}
    assert np.flatnonzero(short.exit).tolist() == [7]


def test_touching_is_not_crossing() -> None:
    close = [5.0, 4.0, 3.0, 8.0, 8.0, 8.0, 8.0, 9.0, 10.0]

    signals = run("sma_cross", market(close), fast=1, slow=3)

    assert np.flatnonzero(signals.entry).tolist() == [3]
    assert not signals.exit.any()


def test_donchian_breaks_out_of_the_bars_before() -> None:
    candles = market([100.0, 101.0, 100.5, 100.8, 103.0, 104.0, 103.5, 101.0, 99.0, 97.0])

    signals = run("donchian_breakout", candles, entry_bars=3, exit_bars=2, mode="long_short")

    assert {int(i): int(signals.entry[i]) for i in np.flatnonzero(signals.entry)} == {4: 1, 8: -1}
    assert np.flatnonzero(signals.exit).tolist() == [7]


def test_buy_and_hold_buys_once() -> None:
    signals = run("buy_and_hold", random_walk(10))

    assert signals.entry.tolist() == [1] + [0] * 9
    assert not signals.exit.any()


@pytest.mark.parametrize("name", BOTH_WAYS)
@pytest.mark.parametrize("mode", ["long_flat", "long_short"])
def test_entries_and_exits_take_turns(name: str, mode: str) -> None:
    signals = run(name, random_walk(2_000), mode=mode)

    position = 0
    for entry, leave in zip(signals.entry.tolist(), signals.exit.tolist(), strict=True):
        assert not leave or position != 0
        position = 0 if leave else position
        assert not entry or position == 0
        position = entry or position
    assert (signals.entry == -1).any() == (mode == "long_short")
