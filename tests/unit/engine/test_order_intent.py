"""Orders that reduce a position: the side, the quantity, and the reason why there is no order."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from tests.unit.engine.engine_parts import Bench

from seatrial_engine.domain.config import RiskLimits


@dataclass(frozen=True)
class ReduceCase:
    """An action on a position of 2 units, and its order: the filled quantity or the reason."""

    position: str
    action: str
    quantity: str | None
    filled: str | None
    reason: str

    @property
    def id(self) -> str:
        """Return the name of the case."""
        return f"{self.action}-{self.quantity or 'all'}-of-{self.position}"


CASES = [
    ReduceCase("long", "sell", None, "2", "signal"),
    ReduceCase("long", "sell", "0.5", "0.5", "signal"),
    ReduceCase("long", "sell", "2", "2", "signal"),
    ReduceCase("long", "sell", "2.1", None, "exceeds_position"),
    ReduceCase("long", "close", None, "2", "signal"),
    ReduceCase("long", "close", "2.1", None, "exceeds_position"),
    ReduceCase("short", "buy", None, "2", "signal"),
    ReduceCase("short", "buy", "2.1", None, "exceeds_position"),
    ReduceCase("short", "cover", "0.5", "0.5", "signal"),
    ReduceCase("short", "cover", "2.1", None, "exceeds_position"),
    ReduceCase("short", "close", None, "2", "signal"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_order_reduces_a_position_to_zero_at_most(case: ReduceCase) -> None:
    bench = Bench(RiskLimits(allow_short=True))
    bench.send("buy" if case.position == "long" else "short", quantity="2")

    order = bench.send(case.action, quantity=case.quantity)

    expected = ("rejected" if case.filled is None else "filled", case.reason)
    assert (order["status"], order["reason"]) == expected
    if case.filled is not None:
        assert Decimal(order["quantity"]) == Decimal(case.filled)
        assert order["side"] == ("SELL" if case.position == "long" else "BUY")
