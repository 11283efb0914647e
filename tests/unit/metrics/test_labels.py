"""The budget of label values."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from seatrial_core import catalog
from seatrial_metrics.counters import CounterKey, Family
from seatrial_metrics.label_budget import NO_STRATEGY, OTHER, limit_cardinality


def rows(*strategies: str) -> list[tuple[CounterKey, Decimal]]:
    """Return one trade of each strategy."""
    return [(CounterKey("live", Family.TRADES, name, "BUY", "filled"), Decimal(1)) for name in strategies]


def test_who_came_first_keeps_its_name() -> None:
    folded = limit_cardinality(rows("z", "y", "a", "b"), catalog.TRADES, 0, 2)

    assert folded.values == {("z", "BUY", "filled"): 1, ("y", "BUY", "filled"): 1, (OTHER, "BUY", "filled"): 2}
    assert folded.overflow["strategy"] == 2


def test_trade_without_strategy_is_manual() -> None:
    assert limit_cardinality(rows(""), catalog.TRADES, 0, 2).values == {(NO_STRATEGY, "BUY", "filled"): 1}


@given(st.lists(st.text(max_size=3)), st.integers(1, 5))
def test_folding_preserves_sums_and_keeps_the_budget(names: list[str], budget: int) -> None:
    folded = limit_cardinality(rows(*names), catalog.TRADES, 0, budget)

    assert sum(folded.values.values()) == len(names)
    assert len(folded.values) <= budget + 1
