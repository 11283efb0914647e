"""The worst mark of each bar, worked out again from the trades: exact where a bar holds one trade only."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.matching.invariants import examples
from tests.unit.matching.random_markets import ANY_TERMS, SEEDS, random_market

from seatrial_trading.matching import ExecutionConfig, simulate


@settings(max_examples=examples(40, 500), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SEEDS, ANY_TERMS)
def test_worst_marks_are_those_of_the_trades(seed: int, terms: ExecutionConfig) -> None:
    market = random_market(seed)
    bars = market.candles
    result = simulate(bars, market.signals, replace(terms, close_at_end=True))
    touched = Counter(bar for trade in result.trades for bar in range(trade.entry_index, trade.exit_index + 1))
    near = 1e-9 * float(np.abs(result.equity).max())
    cash = terms.cash

    for bar in set(range(len(bars))) - set(touched):
        assert result.low_equity[bar + 1] == result.equity[bar + 1]
    for trade in result.trades:
        side = 1.0 if trade.side == "long" else -1.0
        quantity, first, last = side * trade.quantity, trade.entry_index, trade.exit_index
        paid = cash - trade.entry_fee
        adverse = (bars.low if side > 0 else bars.high)[first + 1 : last]
        expected = paid + quantity * (adverse - trade.entry_price)
        assert result.low_equity[first + 2 : last + 1] == pytest.approx(expected, rel=0, abs=near)
        if all(touched[bar] == 1 for bar in (first, last)):
            worst = paid - trade.mae_ratio * trade.entry_price * trade.quantity
            spans = slice(first + 1, last + 2)
            lowest = result.low_equity[spans].min()
            assert lowest == pytest.approx(min(worst, result.equity[spans].min()), rel=0, abs=near)
        cash += trade.pnl
