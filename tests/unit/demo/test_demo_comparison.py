"""Engine and backtest trades agree only when every field does."""

import pytest

from seatrial.stack.demo.comparison import first_difference

TRADE = {
    "symbol": "IBM",
    "side": "long",
    "entry_index": 5,
    "exit_index": 9,
    "exit_reason": "take_profit",
    "entry_price": 100.0,
    "exit_price": 104.0,
    "quantity": "3.25",
    "pnl": 12.3,
}


def test_equal_lists_have_no_difference() -> None:
    assert first_difference([TRADE, TRADE], [TRADE, {**TRADE, "quantity": 3.25, "pnl": 12.3 * (1 + 1e-12)}]) is None


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("side", "short"),
        ("exit_index", 10),
        ("exit_reason", "stop_loss"),
        ("pnl", 12.3 * (1 + 1e-8)),
        ("quantity", None),
    ],
)
def test_one_field_apart_is_named(field: str, other: object) -> None:
    difference = first_difference([TRADE, TRADE], [TRADE, {**TRADE, field: other}])

    assert difference is not None
    assert (difference["trade"], difference["field"], difference["backtest"]) == (2, field, other)


def test_a_missing_trade_is_a_difference() -> None:
    difference = first_difference([TRADE], [TRADE, TRADE])

    assert difference is not None
    assert (difference["trade"], difference["field"], difference["engine"]) == (2, "count", 1)
