"""The changes that a group of batches makes, from what was read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from seatrial_core.contracts.events import EVENT, Event, RejectedEvent
from seatrial_metrics import ledger
from seatrial_metrics.batches import EventBatch
from seatrial_metrics.counters import CounterKey, Family
from seatrial_metrics.deduplication import DedupResult
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityEntry, EquityMark, advance
from seatrial_metrics.ledger import EnvironmentState, LedgerChanges
from seatrial_metrics.portfolio import PortfolioOptions

START = datetime(2026, 11, 23, tzinfo=UTC)
OPTIONS = PortfolioOptions()


def at(hours: float) -> datetime:
    """Return an instant some hours after START."""
    return START + timedelta(hours=hours)


def event(kind: str, hours: float, **fields: Any) -> Event:
    """Return an event of account `a`."""
    instant = at(hours).isoformat()
    return EVENT.validate_python(
        {"id": f"{kind}-{hours}", "type": kind, "occurred_at": instant, "account": "a", **fields}
    )


def mark(hours: float, equity: int) -> EquityEntry:
    """Return a mark of account `a`."""
    return EquityEntry("a", at(hours), EquityMark(Decimal(equity), at(hours)))


def stored(*marks: EquityEntry) -> EnvironmentState:
    """Return the stored state of account `a` after marks."""
    books, _ = advance(EquityBooks({"a": AccountEquity("a")}), marks)
    return EnvironmentState(books, {"a": marks[-1].at} if marks else {})


def plan(*events: Event, state: EnvironmentState | None = None, repeated: tuple[Event, ...] = ()) -> LedgerChanges:
    """Return the changes of one batch of new and repeated events."""
    states = {"live": state or stored()} if events else {}
    return ledger.plan([EventBatch(events, ())], DedupResult(events, repeated, ()), states, OPTIONS)


def test_events_older_than_the_newest_are_late() -> None:
    changes = plan(event("heartbeat", 5), event("heartbeat", 3), event("heartbeat", 6), state=stored(mark(4, 100)))

    account = changes.environments["live"].accounts["a"]
    assert (account.late_events, account.last_occurred_at) == (1, at(6))
    assert changes.counters.counters[CounterKey("live", Family.EVENTS, "heartbeat", "late")] == 1
    assert changes.counters.counters[CounterKey("live", Family.EVENTS, "heartbeat", "accepted")] == 2


def test_the_first_event_of_an_account_and_one_of_the_newest_instant_are_not_late() -> None:
    changes = plan(event("heartbeat", 1), event("heartbeat", 1, account="b"), event("heartbeat", 1, id="again"))

    accounts = changes.environments["live"].accounts
    assert [account.late_events for account in accounts.values()] == [0, 0]


def test_telemetry_changes_no_equity() -> None:
    assert plan(event("heartbeat", 1)).environments["live"].equity is None


def test_mark_after_the_newest_instant_recomputes_nothing() -> None:
    changes = plan(event("equity", 3, equity=110), state=stored(mark(1, 100), mark(2, 90)))

    equity = changes.environments["live"].equity
    assert equity is not None
    assert ([change.at for change in equity.entries], equity.recompute_from) == ([at(3)], None)


def test_mark_before_the_newest_instant_recomputes_from_it() -> None:
    changes = plan(event("equity", 1.5, equity=110), state=stored(mark(1, 100), mark(2, 90)))

    equity = changes.environments["live"].equity
    assert equity is not None
    assert equity.recompute_from == at(1.5)


def test_opening_balance_after_the_first_mark_recomputes_from_that_mark() -> None:
    changes = plan(event("account", 3, opening_balance=120), state=stored(mark(1, 100), mark(2, 90)))

    equity = changes.environments["live"].equity
    assert equity is not None
    assert equity.books.accounts["a"].opening_balance == 120
    assert ([entry.at for entry in equity.entries], equity.recompute_from) == ([at(3)], at(1))


def test_closed_trades_are_added_to_their_account() -> None:
    sold = {"side": "SELL", "strategy": "rsi"}
    changes = plan(event("trade", 1, pnl="5", **sold), event("trade", 2, pnl="-2", **sold))

    closed = changes.environments["live"].accounts["a"].closed
    assert [closed.wins, closed.losses, closed.flats] == [1, 1, 0]
    assert closed.pnl == 3


def test_repeated_and_rejected_events_are_counted_and_change_nothing_else() -> None:
    rejected = RejectedEvent(index=0, code="too_old", detail="")
    changes = ledger.plan([EventBatch((), (rejected,))], DedupResult((), (event("heartbeat", 1),), ()), {}, OPTIONS)

    assert not changes.environments
    assert changes.counters.counters == {
        CounterKey("live", Family.EVENTS, "heartbeat", "duplicate"): 1,
        CounterKey("", Family.DROPPED, "too_old"): 1,
    }


def test_accounts_are_grouped_by_environment_and_sorted() -> None:
    events = [event("heartbeat", 1, account="b"), event("heartbeat", 1), event("heartbeat", 1, environment="replay")]

    assert ledger.accounts_by_environment(events) == {"live": ["a", "b"], "replay": ["a"]}
