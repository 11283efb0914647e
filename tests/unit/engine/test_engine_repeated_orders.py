"""A client order id makes one order, and the state is always the stored one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.engine_parts import START, Bench

from seatrial_core.clock import ManualClock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.engine import Engine
from seatrial_engine.memory import MemoryStore


def test_same_id_and_values_are_the_same_order() -> None:
    bench = Bench()

    first = bench.send("buy", quantity="1", client_order_id="a")
    again = bench.send("buy", quantity="1", client_order_id="a")

    assert again == {**first, "repeated": True}
    assert len(bench.store.fills()) == 1


def test_same_id_with_other_values_is_a_conflict() -> None:
    bench = Bench()
    bench.send("buy", quantity="1", client_order_id="a")

    assert bench.send("buy", quantity="2", client_order_id="a")["reason"] == "conflict"
    assert len(bench.store.fills()) == 1


def test_rejected_order_stays_rejected_under_its_id() -> None:
    bench = Bench()
    bench.send("sell", client_order_id="a")
    bench.send("buy", quantity="1")

    assert bench.send("sell", client_order_id="a")["reason"] == "nothing_to_close"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_repeated_deliveries_change_nothing(deliveries: list[int]) -> None:
    once, often = Bench(), Bench()

    for number in dict.fromkeys(deliveries):
        once.send("buy", quantity="1", client_order_id=f"k{number}")
    for number in deliveries:
        often.send("buy", quantity="1", client_order_id=f"k{number}")

    assert often.cash == once.cash
    assert len(often.store.orders()) == len(set(deliveries))


class FailingStore(MemoryStore):
    """A store whose commits fail while `fails` is set."""

    fails = False

    def commit(self, changes: StateChanges) -> None:
        """Store the changes, or fail before anything is stored."""
        if self.fails:
            raise DatabaseUnreachable("away")
        super().commit(changes)


def test_state_is_the_stored_one_when_the_store_fails() -> None:
    events: list[object] = []

    store = FailingStore(events.extend)
    engine = Engine(EngineConfig(), store, None, ManualClock(START))
    before = engine.state
    store.fails = True

    with pytest.raises(DatabaseUnreachable):
        engine.process_signal({"symbol": "X", "action": "buy", "price": "1"})

    assert engine.state is before
    assert events == []
