"""Indicators: known values, edge rules, and that none of them can see ahead."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_core.errors import ValidationFailed
from seatrial_trading.quant import indicators
from seatrial_trading.quant.column import Floats

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

# The 33 closes that StockCharts explains RSI with, and the RSI(14) of TA-Lib 0.8.2 on them.
CLOSES = np.array(
    [
        *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931),
        *(46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521),
        *(45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314),
    ]
)
RSI_14 = [
    *(70.532789, 66.318562, 66.549830, 69.406305, 66.355169, 57.974856, 62.929607, 63.257148, 56.059299, 62.377071),
    *(54.707573, 50.422774, 39.989823, 41.460482, 41.868916, 45.463212, 37.304042, 33.079523, 37.772952),
]
HIGHS = CLOSES + 0.5 * (1 + np.arange(33) % 3)
LOWS = CLOSES - 0.25 * (1 + np.arange(33) % 4)

Indicator = Callable[[Floats, Floats, Floats], Floats]
EACH: dict[str, Indicator] = {
    "sma": lambda high, low, close: indicators.sma(close, 5),
    "ema": lambda high, low, close: indicators.ema(close, 5),
    "rsi": lambda high, low, close: indicators.rsi(close, 5),
    "std": lambda high, low, close: indicators.rolling_std(close, 5),
    "bollinger upper": lambda high, low, close: indicators.bollinger(close, 5, 2.0).upper,
    "bollinger lower": lambda high, low, close: indicators.bollinger(close, 5, 2.0).lower,
    "macd line": lambda high, low, close: indicators.macd(close, 3, 6, 4).line,
    "macd signal": lambda high, low, close: indicators.macd(close, 3, 6, 4).signal,
    "true range": indicators.true_range,
    "atr": lambda high, low, close: indicators.atr(high, low, close, 5),
    "highest": lambda high, low, close: indicators.rolling_max(close, 5),
    "lowest": lambda high, low, close: indicators.rolling_min(close, 5),
    "donchian": lambda high, low, close: indicators.donchian(high, low, 5).middle,
}


@dataclass(frozen=True)
class Known:
    """What TA-Lib 0.8.2 gives on the series above: the first index, and the values at -1, -2 and -10."""

    id: str
    indicator: Indicator
    first: int
    last: float
    before: float
    tenth: float


KNOWN = [
    Known(
        "ema", lambda high, low, close: indicators.ema(close, 10), 9, 44.120148356901, 44.339870213991, 46.034286481143
    ),
    Known(
        "macd",
        lambda high, low, close: indicators.macd(close, 5, 10, 4).line,
        9,
        -0.608219877179,
        -0.637677494407,
        0.110545679747,
    ),
    Known(
        "signal",
        lambda high, low, close: indicators.macd(close, 5, 10, 4).signal,
        12,
        -0.541357714412,
        -0.496782939235,
        0.118115127024,
    ),
    Known(
        "atr",
        lambda high, low, close: indicators.atr(high, low, close, 14),
        14,
        1.735528150432,
        1.717599546619,
        1.729471722053,
    ),
    Known(
        "std",
        lambda high, low, close: indicators.rolling_std(close, 20),
        19,
        1.190428207789,
        1.088920201117,
        0.541004591847,
    ),
    Known(
        "upper",
        lambda high, low, close: indicators.bollinger(close, 20).upper,
        19,
        47.623466415578,
        47.544580402233,
        46.914349183695,
    ),
]


def test_rsi_has_the_known_values_and_none_before_index_n() -> None:
    values = indicators.rsi(CLOSES, 14)

    assert np.isnan(values[:14]).all()
    np.testing.assert_allclose(values[14:], RSI_14, atol=5e-7, rtol=0)


def test_bollinger_has_the_known_values_of_the_population_deviation() -> None:
    bands = indicators.bollinger(CLOSES, 20, 2.0)

    assert np.isnan(bands.middle[:19]).all()
    assert [bands.upper[19], bands.middle[19], bands.lower[19]] == pytest.approx(
        [47.119248, 45.410425, 43.701602], abs=5e-7
    )


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.id)
def test_an_indicator_agrees_with_talib(case: Known) -> None:
    values = case.indicator(HIGHS, LOWS, CLOSES)

    assert int(np.flatnonzero(~np.isnan(values))[0]) == case.first
    assert [values[-1], values[-2], values[-10]] == pytest.approx([case.last, case.before, case.tenth], abs=1e-11)


@pytest.mark.parametrize(
    ("closes", "expected"),
    [(np.full(20, 100.0), 50.0), (np.arange(1.0, 21.0), 100.0), (np.arange(20.0, 0.0, -1.0), 0.0)],
    ids=["flat", "rising", "falling"],
)
def test_rsi_of_a_one_sided_market_is_exact(closes: Floats, expected: float) -> None:
    assert (indicators.rsi(closes, 14)[14:] == expected).all()


def test_rsi_is_unknown_until_fifteen_clean_closes_after_a_nan() -> None:
    closes = 100.0 + np.sin(np.arange(100.0))
    closes[50] = np.nan

    values = indicators.rsi(closes, 14)

    assert np.isnan(values[50:65]).all()
    assert not np.isnan(values[14:50]).any()
    assert not np.isnan(values[65:]).any()


def test_a_market_that_stops_moving_ends_at_fifty() -> None:
    closes = np.concatenate([[100.0, 90.0, 95.0], np.full(30_000, 95.0)])

    values = indicators.rsi(closes, 14)

    assert values[100] == pytest.approx(100.0 / 3.0)
    assert values[-1] == 50.0


@pytest.mark.parametrize("name", ["sma", "std", "highest", "lowest", "bollinger upper"])
def test_a_nan_leaves_a_window_when_it_falls_out_of_it(name: str) -> None:
    closes = 100.0 + np.sin(np.arange(40.0))
    closes[20] = np.nan

    values = EACH[name](closes, closes, closes)

    assert np.isnan(values[20:25]).all()
    assert not np.isnan(values[25:]).any()


@pytest.mark.parametrize("price", [100.0, 0.1, 1e-9, 1e12])
def test_a_flat_window_has_equal_bands_and_no_deviation(price: float) -> None:
    closes = np.concatenate([np.linspace(0.5, 2.0, 30) * price, np.full(30, price)])

    bands = indicators.bollinger(closes, 20, 2.0)

    assert (bands.upper[-11:] == price).all()
    assert (bands.middle[-11:] == price).all()
    assert (bands.lower[-11:] == price).all()


def test_a_tiny_price_keeps_its_digits_after_a_huge_one() -> None:
    closes = np.concatenate([np.full(25, 1e9), 1e-9 * (1.0 + 0.01 * np.sin(np.arange(60.0)))])

    mean, std = indicators.sma(closes, 20), indicators.rolling_std(closes, 20)

    for at in range(45, 85):
        assert mean[at] == pytest.approx(closes[at - 19 : at + 1].mean(), rel=1e-13)
        assert std[at] == pytest.approx(closes[at - 19 : at + 1].std(), rel=1e-11)


@STEADY
@given(
    closes=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=60),
    n=st.integers(1, 12),
)
def test_windows_equal_what_is_computed_from_scratch(closes: list[float], n: int) -> None:
    values = np.array(closes)
    windows = [values[at - n + 1 : at + 1] for at in range(n - 1, len(values))]

    spread = max(closes)
    np.testing.assert_allclose(indicators.sma(values, n)[n - 1 :], [w.mean() for w in windows], atol=1e-13 * spread)
    np.testing.assert_allclose(
        indicators.rolling_std(values, n)[n - 1 :], [w.std() for w in windows], atol=1e-7 * spread
    )
    np.testing.assert_array_equal(indicators.rolling_max(values, n)[n - 1 :], [w.max() for w in windows])
    np.testing.assert_array_equal(indicators.rolling_min(values, n)[n - 1 :], [w.min() for w in windows])


prices = st.lists(st.one_of(st.floats(1e-9, 1e9), st.just(float("nan")), st.just(100.0)), min_size=1, max_size=50)


@pytest.mark.parametrize("name", EACH)
@STEADY
@given(closes=prices, data=st.data())
def test_no_indicator_sees_ahead(name: str, closes: list[float], data: st.DataObject) -> None:
    close = np.array(closes)
    high, low = close * 1.01, close * 0.99
    cut = data.draw(st.integers(0, len(close)))

    whole = EACH[name](high, low, close)
    prefix = EACH[name](high[:cut], low[:cut], close[:cut])

    assert prefix.tobytes() == whole[:cut].tobytes()


@STEADY
@given(closes=prices)
def test_rsi_stays_between_0_and_100(closes: list[float]) -> None:
    values = indicators.rsi(closes, 3)

    assert np.isnan(values[: min(3, len(values))]).all()
    defined = values[~np.isnan(values)]
    assert ((defined >= 0.0) & (defined <= 100.0)).all()


def test_true_range_spans_the_gap_from_the_close_before() -> None:
    values = indicators.true_range([10.0, 15.0, 9.0], [9.0, 14.0, 8.0], [9.5, 14.5, 8.5])

    assert np.isnan(values[0])
    assert values[1:].tolist() == [5.5, 6.5]


def test_donchian_includes_this_bar() -> None:
    bands = indicators.donchian([1.0, 3.0, 2.0], [0.5, 1.0, 1.5], 2)

    assert bands.upper[1:].tolist() == [3.0, 3.0]
    assert bands.lower[1:].tolist() == [0.5, 1.0]
    assert bands.middle[1:].tolist() == [1.75, 2.0]


@pytest.mark.parametrize("n", [0, -1, 2.5, True, 10**9])
def test_a_window_that_is_no_number_of_bars_is_refused_by_name(n: int) -> None:
    with pytest.raises(ValidationFailed, match=r"`n` was .*; allowed: a whole number of bars"):
        indicators.sma(CLOSES, n)


def test_a_window_longer_than_the_data_is_unknown_throughout() -> None:
    assert np.isnan(indicators.sma(CLOSES, 34)).all()
    assert np.isnan(indicators.rsi(CLOSES, 33)).all()
    assert len(indicators.ema([], 3)) == 0


def test_rsi_of_gains_only_is_100_to_the_last_bit() -> None:
    assert indicators.rsi([100.0, 100.0, 100.0, 366.0], 3)[-1] == 100.0
