"""Which events of a group are new, repeated or in conflict, in any order and any division into groups."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from seatrial_core.contracts.events import EVENT, Event, RejectedEvent
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.deduplication import DedupResult, EventKey, deduplicate

START = datetime(2026, 11, 23, tzinfo=UTC)


def trade(identity: str, **fields: Any) -> Event:
    """Return a trade event."""
    values = {"type": "trade", "id": identity, "occurred_at": START, "side": "BUY", "trade_id": "t1", **fields}
    return EVENT.validate_python(values)


class Ledger:
    """Keeps the keys of the groups so far, as the database does."""

    def __init__(self) -> None:
        self.known: dict[EventKey, bytes | None] = {}

    def add(self, *batches: EventBatch) -> DedupResult:
        """Deduplicate one group and keep its keys."""
        result = deduplicate(batches, (), self.known)
        for key in result.keys:
            assert key.key not in self.known
            self.known[key.key] = key.content
        return result


LIFECYCLE = (
    trade("1", status="pending"),
    trade("2", status="filled", quantity=2, price=100),
    trade("3", status="filled", side="SELL", quantity=1, price=110, pnl="9.8"),
    trade("4", status="filled", side="SELL", quantity=1, price=90, pnl="-10.2"),
)


def test_every_step_of_one_trade_counts() -> None:
    result = Ledger().add(EventBatch(LIFECYCLE, ()))

    assert (list(result.events), list(result.repeated)) == (list(LIFECYCLE), [])


def test_equal_executions_are_two_when_each_has_an_execution_id() -> None:
    exits = [trade(name, side="SELL", quantity=1, pnl="5", execution_id=name) for name in ("x1", "x2")]

    assert len(Ledger().add(EventBatch(exits, ())).events) == 2


def test_known_id_with_other_content_is_a_conflict_that_names_its_place_in_the_request() -> None:
    ledger = Ledger()
    ledger.add(EventBatch(LIFECYCLE, ()))
    invalid = RejectedEvent(index=0, code="invalid_event", detail="")

    result = ledger.add(EventBatch((LIFECYCLE[3], trade("4", side="SELL", pnl="7"), trade("5", pnl="7")), (invalid,)))

    (batch,) = result.results
    assert (batch.accepted, batch.duplicates) == (1, 1)
    assert [(rejection.index, rejection.code) for rejection in batch.conflicts] == [(2, "conflict")]
    assert [event.id for event in result.conflicts] == ["4"]


def test_conflicting_event_takes_no_key() -> None:
    ledger = Ledger()
    ledger.add(EventBatch((trade("1", pnl="5"),), ()))
    ledger.add(EventBatch((trade("1", pnl="6"),), ()))

    assert len(ledger.add(EventBatch((trade("2", pnl="6"),), ())).events) == 1


def test_id_of_a_repeated_execution_belongs_to_it() -> None:
    ledger = Ledger()
    ledger.add(EventBatch((trade("1", pnl="5"), trade("2", pnl="5")), ()))

    assert [event.id for event in ledger.add(EventBatch((trade("2", pnl="6"),), ())).conflicts] == ["2"]


def test_key_of_an_earlier_version_without_content_is_a_repetition() -> None:
    stored_keys = {EventKey("live", "default", "trade:1"): None}

    assert len(deduplicate([EventBatch((trade("1", pnl="5"),), ())], (), stored_keys).repeated) == 1


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Sequence[Event], Sequence[Sequence[Event]]]:
    """Return executions of a few trades, and groups in which each is delivered at least once, under ids of retries."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["t1", "t2"]),
                st.sampled_from(["pending", "filled", "rejected"]),
                st.sampled_from(["BUY", "SELL"]),
                st.sampled_from([None, "1", "-2.50"]),
            ),
            unique=True,
            min_size=1,
            max_size=8,
        )
    )
    sent = [
        trade(f"{number}.0", trade_id=trade_id, status=status, side=side, pnl=pnl)
        for number, (trade_id, status, side, pnl) in enumerate(steps)
    ]
    again = [
        event.model_copy(update={"id": f"{index}.{attempt}", "occurred_at": START + timedelta(seconds=attempt)})
        for index, event in enumerate(sent)
        for attempt in range(draw(st.integers(0, 2)) + 1)
    ]
    order = draw(st.permutations(again + again))
    cut = draw(st.integers(0, len(order)))
    return sent, (order[:cut], order[cut:])


@given(deliveries())
def test_every_execution_counts_once_in_any_order(delivery: tuple[Sequence[Event], Sequence[Sequence[Event]]]) -> None:
    sent, groups = delivery
    ledger = Ledger()

    results = [ledger.add(EventBatch(group, ())) for group in groups]

    accepted = [event for result in results for event in result.events]
    assert sorted(event.id.split(".")[0] for event in accepted) == sorted(event.id.split(".")[0] for event in sent)
    assert not any(result.conflicts for result in results)
