"""Events are refused at the border when they carry what a ledger must not hold."""

import pytest
from pydantic import ValidationError

from seatrial_core.contracts.events import EVENT, TradeEvent, ledger_key

TRADE = {"id": "1", "type": "trade", "occurred_at": "2026-01-02T03:04:05Z", "side": "BUY", "strategy": "s"}


def test_a_float_is_taken_as_its_shortest_text() -> None:
    event = EVENT.validate_python({**TRADE, "price": 0.1, "quantity": "0.30"})

    assert isinstance(event, TradeEvent)
    assert str(event.price) == "0.1"
    assert str(event.quantity) == "0.30"


@pytest.mark.parametrize(
    "change",
    [
        {"price": float("nan")},
        {"price": "Infinity"},
        {"price": "1e400"},
        {"occurred_at": "2026-01-02T03:04:05"},
        {"duration_seconds": -1},
        {"id": ""},
        {"id": "x" * 129},
        {"type": "bribe"},
        {"environment": "moon"},
    ],
)
def test_nan_naive_time_and_unknown_names_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python({**TRADE, **change})


def test_a_trade_is_known_by_its_trade_id_and_newer_fields_are_ignored() -> None:
    one = EVENT.validate_python({**TRADE, "trade_id": "t7", "venue": "new"})
    other = EVENT.validate_python({**TRADE, "id": "2", "trade_id": "t7"})

    assert ledger_key(one) == ledger_key(other) == "trade:t7"
