"""Selects the new events of a group of batches: money events by their key, telemetry by its batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seatrial_core.contracts.events import MONEY_TYPES, Event, ledger_key
from seatrial_metrics.batches import BatchKey, EventBatch


class EventKey(NamedTuple):
    """The key by which a money event is unique."""

    environment: str
    account: str
    key: str


@dataclass(frozen=True)
class BatchResult:
    """How many events of one batch are new, and how many were in the ledger already."""

    accepted: int
    duplicates: int


@dataclass(frozen=True)
class DedupResult:
    """The new and the repeated events of a group, in order of arrival, and the result of each batch."""

    events: Sequence[Event]
    repeated: Sequence[Event]
    results: Sequence[BatchResult]


def is_money(event: Event) -> bool:
    """Return whether an event must be in the ledger exactly once by its own key."""
    return event.type in MONEY_TYPES


def key_of(event: Event) -> EventKey:
    """Return the key of a money event."""
    return EventKey(event.environment.value, event.account, ledger_key(event))


def deduplicate(
    batches: Sequence[EventBatch], new_batches: Iterable[BatchKey], new_keys: Iterable[EventKey]
) -> DedupResult:
    """Return the events that go into the ledger.

    Args:
        batches: The group, in order of arrival.
        new_batches: The batch keys that the ledger has not seen; the first batch with such a key counts.
        new_keys: The event keys that the ledger has not seen; the first event with such a key counts.
    """
    unused_batches = set(new_batches)
    unused_keys = set(new_keys)
    events: list[Event] = []
    repeated: list[Event] = []
    results: list[BatchResult] = []
    for batch in batches:
        telemetry_counts = batch.key is None or batch.key in unused_batches
        if batch.key is not None:
            unused_batches.discard(batch.key)
        accepted = 0
        for event in batch.events:
            if _is_new(event, unused_keys, telemetry_counts):
                events.append(event)
                accepted += 1
            else:
                repeated.append(event)
        results.append(BatchResult(accepted, len(batch.events) - accepted))
    return DedupResult(tuple(events), tuple(repeated), tuple(results))


def _is_new(event: Event, unused_keys: set[EventKey], telemetry_counts: bool) -> bool:
    if not is_money(event):
        return telemetry_counts
    key = key_of(event)
    if key not in unused_keys:
        return False
    unused_keys.discard(key)
    return True
