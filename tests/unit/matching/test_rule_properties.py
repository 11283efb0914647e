"""Mirrored shorts, modes that differ by the bracket, and sizes within buying power."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.tables import FREE, SIGNAL_BAR, Bar, mirrored, one_entry, run

from seatrial_core.errors import ValidationFailed
from seatrial_trading.matching import ExecutionConfig

FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def wander(seed: int, n: int) -> list[Bar]:
    """Return random bars on a grid of binary fractions."""
    random = np.random.default_rng(seed)
    bars: list[Bar] = [SIGNAL_BAR]
    last = 100.0
    for _ in range(n):
        o = max(20.0, last + float(random.integers(-8, 9)) / 4)
        c = max(20.0, o + float(random.integers(-16, 17)) / 4)
        high = max(o, c) + float(random.integers(0, 13)) / 4
        low = min(o, c) - float(random.integers(0, 13)) / 4
        bars.append((o, high, low, c))
        last = c
    return bars


@FEW
@given(st.integers(0, 100_000), st.floats(90.0, 99.0), st.floats(101.0, 112.0))
def test_a_mirrored_market_gives_the_mirrored_short(seed: int, stop: float, target: float) -> None:
    bars = wander(seed, 25)

    long = run(bars, one_entry(26, stop, target), FREE).trades
    short = run(
        mirrored(bars), one_entry(26, 1e4 / stop, 1e4 / target, side=-1), replace(FREE, allow_short=True)
    ).trades

    assert [(t.exit_index, t.exit_reason) for t in long] == [(t.exit_index, t.exit_reason) for t in short]
    assert [1e4 / t.exit_price for t in long] == pytest.approx([t.exit_price for t in short])


@pytest.mark.parametrize("bars", [[SIGNAL_BAR, (100, 106, 94, 100)], [SIGNAL_BAR, SIGNAL_BAR, (104, 106, 94, 96)]])
def test_modes_differ_by_the_whole_bracket_on_an_ambiguous_bar(bars: list[Bar]) -> None:
    worst = run(bars, one_entry(len(bars), 95, 105)).equity[-1]
    best = run(bars, one_entry(len(bars), 95, 105), replace(FREE, intrabar="best")).equity[-1]

    assert best - worst == 10


def test_trailing_mirrored_short() -> None:
    bars: list[Bar] = [SIGNAL_BAR, SIGNAL_BAR, (94, 96, 90, 92), (92, 97, 91, 96)]

    result = run(bars, one_entry(4, trail=5.5, side=-1), replace(FREE, allow_short=True))

    assert [(t.exit_index, t.exit_price, t.exit_reason, t.ambiguous) for t in result.trades] == [
        (2, 95.5, "trailing", True)
    ]


def test_an_unaffordable_fixed_size_is_rejected_whole() -> None:
    bars = [SIGNAL_BAR, SIGNAL_BAR]

    for sizing in ("fixed:11", "notional:1001"):
        result = run(bars, one_entry(2), ExecutionConfig(cash=1_000, taker_fee_rate=0.0, sizing=sizing))
        assert [(item.index, item.reason) for item in result.rejected] == [(0, "not enough cash")]
        assert result.trades == []
    whole = run(bars, one_entry(2), ExecutionConfig(cash=1_000, taker_fee_rate=0.0, sizing="notional:1000"))
    assert whole.trades[0].quantity == 10


def test_risk_sizing_loses_its_share_at_the_stop() -> None:
    config = ExecutionConfig(cash=10_000, taker_fee_rate=0.0, sizing="risk:0.01")

    trade = run([SIGNAL_BAR, SIGNAL_BAR, (100, 100, 94, 95)], one_entry(3, 95), config).trades[0]

    assert trade.quantity == pytest.approx(20)
    assert trade.pnl == pytest.approx(-100)


def test_volatility_sizing_waits_for_its_sample_and_then_aims_at_the_target() -> None:
    moves = [1.01 if i % 2 else 1 / 1.01 for i in range(40)]
    closes = [100.0]
    for move in moves:
        closes.append(closes[-1] * move)
    bars: list[Bar] = [(c, c * 1.001, c * 0.999, c) for c in closes]
    early, late = one_entry(41), one_entry(41)
    early.entry[0], early.entry[5] = 0, 1
    late.entry[0], late.entry[30] = 0, 1
    config = replace(FREE, cash=10_000, sizing="vol:0.1")
    minutes_a_year = 31_557_600 / 60

    refused, traded = run(bars, early, config), run(bars, late, config)

    assert [item.reason for item in refused.rejected] == ["the sizing gives no quantity"]
    trade = traded.trades[0]
    expected = 0.1 / (0.01 * math.sqrt(minutes_a_year)) * 10_000 / trade.entry_price
    assert trade.quantity == pytest.approx(expected, rel=0.02)


def test_an_unknown_intrabar_rule_is_rejected_with_the_allowed_ones() -> None:
    with pytest.raises(ValidationFailed, match="worst, best, nearest or magnify"):
        replace(FREE, intrabar="zoom")  # type: ignore[arg-type]
