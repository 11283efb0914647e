"""Selects the new events of a group of batches: money events by their keys, telemetry by its batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from seatrial_core.contracts.event_keys import content_of, execution_key, ledger_key
from seatrial_core.contracts.events import MONEY_TYPES, Environment, Event, RejectedEvent
from seatrial_core.quoting import quote
from seatrial_metrics.batches import BatchKey, EventBatch

MAX_QUOTE = 80


class EventKey(NamedTuple):
    """A key by which a money event is unique."""

    environment: str
    account: str
    key: str


@dataclass(frozen=True)
class NewKey:
    """A key to store, with the event that it belongs to."""

    key: EventKey
    event: Event
    lasting: bool
    content: bytes


@dataclass(frozen=True)
class BatchResult:
    """How many events of one batch are new and how many known, and those whose id belongs to another event."""

    accepted: int
    duplicates: int
    conflicts: Sequence[RejectedEvent] = ()


@dataclass(frozen=True)
class DedupResult:
    """The new, repeated and conflicting events of a group, in order of arrival, and the result of each batch.

    Args:
        events: The events that go into the ledger.
        repeated: Those that are in it already.
        results: The result of each batch.
        conflicts: Those whose id is in the ledger with other content.
        keys: The keys to store.
    """

    events: Sequence[Event]
    repeated: Sequence[Event]
    results: Sequence[BatchResult]
    conflicts: Sequence[Event] = ()
    keys: Sequence[NewKey] = ()


class _Verdict(Enum):
    NEW = auto()
    REPEATED = auto()
    CONFLICT = auto()


def is_money(event: Event) -> bool:
    """Return whether an event must be in the ledger exactly once by its own key."""
    return event.type in MONEY_TYPES


def keys_of(event: Event) -> tuple[EventKey, ...]:
    """Return the keys of a money event: its own, then that of its execution if it has one."""
    execution = execution_key(event)
    names = (ledger_key(event),) if execution is None else (ledger_key(event), execution)
    return tuple(EventKey(event.environment.value, event.account, name) for name in names)


def deduplicate(
    batches: Sequence[EventBatch], new_batches: Iterable[BatchKey], stored_keys: Mapping[EventKey, bytes | None]
) -> DedupResult:
    """Return the events that go into the ledger.

    Args:
        batches: The group, in order of arrival.
        new_batches: The batch keys that the ledger has not seen; the first batch with such a key counts.
        stored_keys: The keys of the group's events that the ledger has, with their content; None where an
            earlier version did not store it.
    """
    unused_batches = set(new_batches)
    keys = _Keys(dict(stored_keys))
    events: list[Event] = []
    repeated: list[Event] = []
    conflicting: list[Event] = []
    results: list[BatchResult] = []
    for batch in batches:
        telemetry_counts = batch.key is None or batch.key in unused_batches
        if batch.key is not None:
            unused_batches.discard(batch.key)
        accepted = 0
        conflicts: list[tuple[int, Event]] = []
        for position, event in enumerate(batch.events):
            if is_money(event):
                verdict = keys.judge(event, batch.imported)
            else:
                verdict = _Verdict.NEW if telemetry_counts else _Verdict.REPEATED
            if verdict is _Verdict.NEW:
                events.append(event)
                accepted += 1
            elif verdict is _Verdict.REPEATED:
                repeated.append(event)
            else:
                conflicts.append((position, event))
        conflicting += [event for _, event in conflicts]
        results.append(
            BatchResult(accepted, len(batch.events) - accepted - len(conflicts), _rejections(batch, conflicts))
        )
    return DedupResult(tuple(events), tuple(repeated), tuple(results), tuple(conflicting), tuple(keys.new))


@dataclass
class _Keys:
    stored: dict[EventKey, bytes | None]
    new: list[NewKey] = field(default_factory=list)

    def judge(self, event: Event, imported: bool) -> _Verdict:
        own, *executions = keys_of(event)
        content = content_of(event)
        if own in self.stored:
            return _Verdict.CONFLICT if self.stored[own] not in {None, content} else _Verdict.REPEATED
        is_repeated = any(key in self.stored for key in executions)
        lasting = imported or event.environment is Environment.REPLAY
        # The id of an execution that is known under another one belongs to this content from now on.
        for key in (own, *executions):
            if key not in self.stored:
                self.stored[key] = content
                self.new.append(NewKey(key, event, lasting, content))
        return _Verdict.REPEATED if is_repeated else _Verdict.NEW


def _rejections(batch: EventBatch, conflicts: Sequence[tuple[int, Event]]) -> tuple[RejectedEvent, ...]:
    if not conflicts:
        return ()
    invalid = {rejection.index for rejection in batch.rejected}
    indices = [index for index in range(len(batch.events) + len(invalid)) if index not in invalid]
    return tuple(
        RejectedEvent(
            index=indices[position],
            code="conflict",
            detail=f"the id {quote(event.id, MAX_QUOTE)!r} belongs to another {event.type} event of this account with "
            "other values, which stays as it is; send a new event with a new id",
        )
        for position, event in conflicts
    )
