"""Parses a batch of events from a request; each event is validated separately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from seatrial_core import field_messages
from seatrial_core.characters import printable
from seatrial_core.contracts.events import BATCH_HEADER, EVENT, MAX_BATCH_EVENTS, Event, RejectedEvent
from seatrial_core.errors import BodyTooLarge, FieldError, ValidationFailed
from seatrial_core.quoting import quote
from seatrial_core.timestamps import format_rfc3339
from seatrial_metrics.account_limit import AccountLimit
from seatrial_metrics.clock_skew import MAX_SKEW, ClocksAhead, EngineKey, runs_on_clock
from seatrial_service import json_body

KEY_DAYS = 35
MAX_KEY = 128
MAX_QUOTE = 80
MAX_VALUES = 60 * MAX_BATCH_EVENTS  # an event has up to about 40 keys and values
MAX_TAG_PROBLEM = 300


class BatchKey(NamedTuple):
    """The producer of a batch, and its number there."""

    producer: str
    sequence: str


@dataclass(frozen=True)
class EventBatch:
    """The valid and the rejected events of one request, and how far the clock of each engine was ahead."""

    events: Sequence[Event]
    rejected: Sequence[RejectedEvent]
    key: BatchKey | None = None
    imported: bool = False
    skews: Mapping[EngineKey, timedelta] = field(default_factory=dict)


def read(
    body: bytes,
    header: str | None,
    now: datetime,
    *,
    imported: bool = False,
    max_skew: timedelta = MAX_SKEW,
    accounts: AccountLimit | None = None,
) -> EventBatch:
    """Return the batch that a request carries.

    Args:
        body: A JSON array of events.
        header: `producer/sequence`, or None.
        now: The instant of arrival; an event outside replay must not be too far from it.
        imported: Whether to accept events that are older than the stored keys.
        max_skew: How far an event may be ahead of `now`; up to then it counts as of `now`.
        accounts: Which accounts there are, and how many there may be.

    Raises:
        MalformedJson: The body is not JSON, or exceeds a limit of it.
        ValidationFailed: The body is not an array, or the header is malformed.
        BodyTooLarge: The array is too long.
    """
    events: list[Event] = []
    rejected: list[RejectedEvent] = []
    ahead = ClocksAhead(now, max_skew)
    for index, item in enumerate(_array(body)):
        try:
            event = EVENT.validate_python(item)
        except ValidationError as error:
            rejected.append(RejectedEvent(index=index, code="invalid_event", detail=_describe(error)))
            continue
        rejection = ahead.check(event, index) or (None if imported else _reject_old(event, index, now))
        if rejection is None and accounts is not None:
            rejection = accounts.check(event, index)
        if rejection is not None:
            rejected.append(rejection)
            continue
        events.append(event)
    return EventBatch(ahead.limited(events), tuple(rejected), read_key(header), imported, ahead.skews)


def of_sender(batch: EventBatch, sender: str) -> EventBatch:
    """Return the batch with a key that only this sender uses, so that no other one can take it first.

    Args:
        batch: A batch.
        sender: The name of the caller's token; empty in a service without tokens.
    """
    if batch.key is None or not sender:
        return batch
    return replace(batch, key=BatchKey(f"{sender}/{batch.key.producer}", batch.key.sequence))


def read_key(header: str | None) -> BatchKey | None:
    """Return the key in a `producer/sequence` header."""
    if header is None:
        return None
    producer, slash, sequence = header.rpartition("/")
    if not slash or not producer or not sequence or len(header) > MAX_KEY:
        allowed = f"producer/sequence, for example engine-1/42, up to {MAX_KEY} characters"
        raise ValidationFailed(
            f"the header {BATCH_HEADER} was {header[:MAX_QUOTE]!r}; send {allowed}",
            errors=[FieldError(BATCH_HEADER, header[:MAX_QUOTE], allowed)],
        )
    return BatchKey(producer, sequence)


def _array(body: bytes) -> list[object]:
    parsed = json_body.parse(body, MAX_VALUES, strict=False)
    if not isinstance(parsed, list):
        kind = "an object" if isinstance(parsed, dict) else type(parsed).__name__
        raise ValidationFailed(
            f"the body must be a JSON array of events, found {kind}; put the event into [ ]",
            errors=[FieldError("body", kind, "an array of events")],
        )
    if len(parsed) > MAX_BATCH_EVENTS:
        raise BodyTooLarge(
            f"the batch has {len(parsed)} events, at most {MAX_BATCH_EVENTS} fit in one; send it in parts"
        )
    return parsed


def _reject_old(event: Event, index: int, now: datetime) -> RejectedEvent | None:
    if not runs_on_clock(event) or event.occurred_at >= now - timedelta(days=KEY_DAYS):
        return None
    return RejectedEvent(
        index=index,
        code="too_old",
        detail=f"occurred_at {format_rfc3339(event.occurred_at)} is over {KEY_DAYS} days ago and its key may have "
        "expired; send it with ?imported=true once, or with environment=replay",
    )


def _describe(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or "event"
    if first["type"] in {"union_tag_not_found", "union_tag_invalid"}:
        return printable(field_messages.describe("event", None, first)[:MAX_TAG_PROBLEM])
    value = first.get("input")
    quoted = quote(value, MAX_QUOTE)
    shown = f"'{quoted}'" if isinstance(value, str) else str(quoted)
    problem = "is missing" if first["type"] == "missing" else f"was {shown}: {first['msg']}"
    return printable(f"`{field}` {problem}") + (f" ({error.error_count()} errors)" if error.error_count() > 1 else "")
