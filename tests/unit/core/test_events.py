"""Events are refused at the border when they carry what a ledger must not hold."""

import pytest
from pydantic import ValidationError

from seatrial_core.contracts.event_keys import content_of, execution_key, execution_key_of, ledger_key
from seatrial_core.contracts.events import EVENT, TradeEvent

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


def test_a_repeated_execution_is_known_under_another_event_id_and_newer_fields_are_ignored() -> None:
    one = EVENT.validate_python({**TRADE, "trade_id": "t7", "pnl": "5.0", "venue": "new"})
    other = EVENT.validate_python({**TRADE, "id": "2", "trade_id": "t7", "pnl": 5, "duration_seconds": 0.7})

    assert execution_key(one) == execution_key(other) is not None
    assert ledger_key(one) != ledger_key(other)


@pytest.mark.parametrize(
    "change", [{"status": "pending"}, {"side": "SELL"}, {"pnl": "-5"}, {"quantity": 2}, {"execution_id": "x2"}]
)
def test_another_step_of_a_trade_is_another_execution(change: dict[str, object]) -> None:
    one = EVENT.validate_python({**TRADE, "trade_id": "t7", "pnl": "5.0"})
    other = EVENT.validate_python({**TRADE, "id": "2", "trade_id": "t7", "pnl": "5.0", **change})

    assert execution_key(one) != execution_key(other)


def test_content_is_the_same_for_other_spellings_of_a_number_only() -> None:
    one = EVENT.validate_python({**TRADE, "pnl": "5.10", "fee": None})

    assert content_of(one) == content_of(EVENT.validate_python({**TRADE, "pnl": 5.1}))
    assert content_of(one) != content_of(EVENT.validate_python({**TRADE, "pnl": "5.11"}))


@pytest.mark.parametrize("amount", ["0", "-0.00", "1E+3", "12345678901234567890.123456789012345678"])
def test_execution_keys_of_values_and_of_json_are_the_same(amount: str) -> None:
    fields = {"trade_id": "t", "side": "SELL", "status": "filled", "pnl": amount, "strategy": "s", "symbol": "X"}
    event = EVENT.validate_python({**TRADE, **fields})

    assert execution_key(event) == execution_key_of(event.model_dump(mode="json")) == execution_key_of(fields)
