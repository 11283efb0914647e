"""Sums by label set within a budget of values per label."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from seatrial_core import catalog
from seatrial_core.label_budget import OTHER
from seatrial_metrics.cardinality import NO_STRATEGY, limit_cardinality
from seatrial_metrics.counters import CounterKey, Family


def rows(*strategies: str) -> list[tuple[CounterKey, Decimal]]:
    """Return one trade of each strategy."""
    return [(CounterKey("live", Family.TRADES, name, "BUY", "filled"), Decimal(1)) for name in strategies]


def test_first_values_keep_their_name() -> None:
    limited = limit_cardinality(rows("z", "y", "a", "b"), catalog.TRADES, 0, 2)

    assert limited.values == {("z", "BUY", "filled"): 1, ("y", "BUY", "filled"): 1, (OTHER, "BUY", "filled"): 2}
    assert limited.overflow == {"strategy": 2, "side": 0, "status": 0}


def test_trade_without_strategy_is_manual() -> None:
    assert limit_cardinality(rows(""), catalog.TRADES, 0, 2).values == {(NO_STRATEGY, "BUY", "filled"): 1}


@given(st.lists(st.text(max_size=3)), st.integers(1, 5))
def test_sums_stay_the_same_within_the_budget(names: list[str], budget: int) -> None:
    limited = limit_cardinality(rows(*names), catalog.TRADES, 0, budget)

    assert sum(limited.values.values()) == len(names)
    assert len(limited.values) <= budget + 1
