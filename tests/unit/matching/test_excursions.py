"""How far the price went against and for a trade, and how deep the account stood inside its bars."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.matching.tables import FREE, SIGNAL_BAR, Bar, mirrored, one_entry, run
from tests.unit.matching.test_agreement import CONFIGS, market, with_orders

from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.matching.config import IntrabarName
from seatrial_trading.quant.drawdown import max_drawdown

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_excursions_count_from_the_fill_to_the_exit() -> None:
    bars: list[Bar] = [
        SIGNAL_BAR,
        (100, 102, 97, 101),  # entered at the open
        (101, 104, 98, 103),
        (103, 120, 94, 110),  # leaves at 95 before the high of 120 is reached: the worst path
    ]
    trade = run(bars, one_entry(4, 95, 118)).trades[0]

    assert trade.exit_price == 95
    assert trade.mae_ratio == pytest.approx(0.05)
    assert trade.mfe_ratio == pytest.approx(0.04)


def test_prices_before_the_fill_do_not_count() -> None:
    # A limit at 97: on both paths the high of 105 comes first or after; the worst path reaches it before the fill.
    bars: list[Bar] = [SIGNAL_BAR, (100, 105, 96, 97)]
    signals = replace(one_entry(2), entry_type=np.ones(2, dtype=np.int8), limit_price=np.full(2, 97.0))

    trade = run(bars, signals).trades[0]

    assert trade.mae_ratio == pytest.approx(1 / 97)
    assert trade.mfe_ratio in (0.0, pytest.approx(8 / 97))


def test_a_gap_counts_to_where_it_was_filled() -> None:
    down = run([SIGNAL_BAR, SIGNAL_BAR, (90, 92, 88, 91)], one_entry(3, 95, 105)).trades[0]
    up = run([SIGNAL_BAR, SIGNAL_BAR, (110, 112, 108, 111)], one_entry(3, 95, 105)).trades[0]

    assert (down.exit_price, down.mae_ratio, down.mfe_ratio) == (90, 0.1, 0.01)
    assert (up.exit_price, up.mae_ratio, up.mfe_ratio) == (105, 0.01, 0.05)


def test_a_short_mirrors_a_long() -> None:
    bars: list[Bar] = [SIGNAL_BAR, (100, 102, 97, 101), (101, 104, 98, 103), (103, 104, 94, 96)]
    short = run(mirrored(bars), one_entry(4, 1e4 / 95, side=-1), replace(FREE, allow_short=True)).trades[0]

    assert short.exit_price == pytest.approx(1e4 / 95)
    assert short.mae_ratio == pytest.approx(100 / 95 - 1)
    assert short.mfe_ratio == pytest.approx(1 - 100 / 104)


@pytest.mark.parametrize(("intrabar", "against"), [("worst", 0.03), ("best", 0.0), ("nearest", 0.0)])
@pytest.mark.parametrize("side", [1, -1])
def test_the_excursion_of_a_bar_with_a_target_follows_the_intrabar_rule(
    intrabar: IntrabarName, against: float, side: int
) -> None:
    # Both ways end at 105, but one goes to 97 before; the open is nearer the high. The short is mirrored about 100.
    bar: Bar = (102, 106, 97, 104) if side > 0 else (98, 103, 94, 96)
    config = replace(FREE, allow_short=True, intrabar=intrabar)

    result = run([SIGNAL_BAR, (100, 100, 100, 100), bar], one_entry(3, target=100 + side * 5, side=side), config)

    assert result.trades[0].mae_ratio == pytest.approx(against)
    assert result.ambiguous_bars == 0


def test_the_account_is_marked_at_the_worst_of_each_bar() -> None:
    bars: list[Bar] = [
        SIGNAL_BAR,
        (100, 102, 97, 101),  # in at 100: worst 97
        (101, 104, 98, 103),  # held: worst 98
        (103, 104, 94, 96),  # out at 95
        SIGNAL_BAR,
    ]
    result = run(bars, one_entry(5, 95, 118))

    assert (result.low_equity - 1_000_000).tolist() == [0, 0, -3, -2, -5, -5]
    assert (result.equity - 1_000_000).tolist() == [0, 0, 1, 3, -5, -5]
    # 5 below 1,000,003, the highest close before.
    assert result.intrabar_drawdown == pytest.approx(1 - 999_995 / 1_000_003)


def test_a_trade_of_one_bar_and_an_open_one_are_marked_too() -> None:
    bars: list[Bar] = [SIGNAL_BAR, (100, 106, 97, 104), (104, 105, 101, 102)]
    best, left_open = replace(FREE, intrabar="best"), replace(FREE, close_at_end=False)

    inside = run(bars, one_entry(3, 90, 106), best)
    still_open = run(bars, one_entry(3, 90), left_open)

    assert (inside.low_equity - 1_000_000).tolist()[:2] == [0, 0]
    assert inside.low_equity[2] - 1_000_000 in (-3, 0)
    assert inside.low_equity[3] == inside.equity[3] == 1_000_006
    assert (still_open.low_equity - 1_000_000).tolist() == [0, 0, -3, 1]


@FEW
@given(st.integers(0, 10_000), CONFIGS, st.booleans(), st.booleans())
def test_worst_marks_never_lie_above_closes_nor_excursions_beyond_the_bars(
    seed: int, config: ExecutionConfig, with_waiting: bool, close_at_end: bool
) -> None:
    bars, signals = market(seed, 150)
    signals = with_orders(bars, signals, seed) if with_waiting else signals

    result = simulate(bars, signals, replace(config, close_at_end=close_at_end))

    assert np.isfinite(result.low_equity).all()
    assert (result.low_equity <= result.equity).all()
    deepest = max_drawdown(result.equity).value
    assert deepest is not None
    assert result.intrabar_drawdown >= deepest - 1e-12
    falls = 1.0 - result.low_equity[1:] / np.maximum.accumulate(result.equity)[:-1]
    assert result.intrabar_drawdown == pytest.approx(max(0.0, falls.max()), rel=1e-12, abs=1e-15)
    for trade in result.trades:
        first, last = trade.entry_index, trade.exit_index
        long = trade.side == "long"
        prices = np.concatenate((bars.low[first : last + 1], [trade.entry_price]))
        tops = np.concatenate((bars.high[first : last + 1], [trade.entry_price]))
        against = trade.entry_price - prices.min() if long else tops.max() - trade.entry_price
        favour = tops.max() - trade.entry_price if long else trade.entry_price - prices.min()
        assert 0.0 <= trade.mae_ratio <= against / trade.entry_price + 1e-12
        assert trade.mfe_ratio >= 0.0
        if not trade.gap:
            assert trade.mfe_ratio <= favour / trade.entry_price + 1e-12


def assert_losses_agree(result: Simulation, config: ExecutionConfig) -> None:
    """The greatest loss of each trade is the worst mark of its bars, and no mark is worse than all of them."""
    cash, deepest = config.cash, float(result.equity.min())
    for trade in result.trades:
        mark = cash - trade.entry_fee - trade.mae_ratio * trade.entry_price * trade.quantity
        assert result.low_equity[trade.entry_index + 1 : trade.exit_index + 2].min() <= mark + 1e-6
        cash, deepest = cash + trade.pnl, min(deepest, mark)
    assert float(result.low_equity.min()) == pytest.approx(deepest, rel=1e-9)


@FEW
@given(st.integers(0, 10_000), CONFIGS, st.booleans())
def test_worst_marks_and_excursions_agree_on_losses(seed: int, config: ExecutionConfig, with_waiting: bool) -> None:
    bars, signals = market(seed, 150)
    signals = with_orders(bars, signals, seed) if with_waiting else signals

    assert_losses_agree(simulate(bars, signals, config), config)
