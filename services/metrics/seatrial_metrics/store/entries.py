"""Writes the ledger: keys, batches, events, and the head that orders commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.event_keys import content_of
from seatrial_core.contracts.events import NOTIFY_CHANNEL, Event, EventBase
from seatrial_metrics.batches import BatchKey, EventBatch
from seatrial_metrics.deduplication import EventKey, NewKey, is_money, keys_of
from seatrial_metrics.off_loop import call

JSON_ROWS = 500
_COMMON = [*(name for name in EventBase.model_fields if name != "sent_at"), "type"]  # what has a column

_LOCK_HEAD = text("SELECT last_sequence FROM metrics.ledger_head WHERE id = 1 FOR UPDATE")
_MOVE_HEAD = text("UPDATE metrics.ledger_head SET last_sequence = :sequence WHERE id = 1")
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
# Rows are sent as one JSON text: a list of arrays costs the driver ten times as much.
_CLAIM_BATCHES = text(
    """
    INSERT INTO metrics.batches (producer, sequence, received_at)
    SELECT producer, sequence, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS t (producer text, sequence text)
    ON CONFLICT DO NOTHING
    RETURNING producer, sequence
    """
)
_STORED_KEYS = text(
    """
    SELECT environment, account, ledger_key, content
    FROM metrics.event_keys
    JOIN json_to_recordset(CAST(:rows AS json)) AS t (environment text, account text, key text)
        USING (environment, account)
    WHERE ledger_key = t.key
    """
)
# A key that is there already fails: the head of the ledger is locked, so no other writer can have added it.
_ADD_KEYS = text(
    """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting, content)
    SELECT environment, account, key, occurred_at, :now, lasting, decode(content, 'hex')
    FROM json_to_recordset(CAST(:rows AS json)) AS t
        (environment text, account text, key text, occurred_at timestamptz, lasting boolean, content text)
    """
)
_ADD_CONFLICTS = text(
    """
    INSERT INTO metrics.conflicts
        (environment, account, type, event_id, content, engine, body, first_received_at, last_received_at)
    SELECT environment, account, type, event_id, decode(content, 'hex'), engine, body, :now, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS t
        (environment text, account text, type text, event_id text, content text, engine text, body jsonb)
    ON CONFLICT (environment, account, type, event_id, content) DO UPDATE
    SET times = conflicts.times + 1, last_received_at = :now
    """
)
_INSERT_EVENTS = text(
    """
    INSERT INTO metrics.events
        (received_at, sequence, id, type, occurred_at, engine, account, strategy, symbol, environment, body)
    SELECT :now, :first + row - 1, event->>'id', event->>'type', CAST(event->>'occurred_at' AS timestamptz),
           event->>'engine', event->>'account', event->>'strategy', event->>'symbol', event->>'environment',
           jsonb_strip_nulls(event - CAST(:common AS text[]))
    FROM jsonb_array_elements(CAST(:events AS jsonb)) WITH ORDINALITY AS t (event, row)
    """
)


async def lock_head(session: AsyncSession) -> int:
    """Lock the head of the ledger until this transaction ends; return the last sequence."""
    return int((await session.execute(_LOCK_HEAD)).scalar_one())


async def move_head(session: AsyncSession, sequence: int) -> None:
    """Set the last sequence and NOTIFY it; Postgres delivers the notification at the commit."""
    await session.execute(_MOVE_HEAD, {"sequence": sequence})
    await session.execute(_NOTIFY, {"channel": NOTIFY_CHANNEL, "payload": str(sequence)})


async def claim_batches(session: AsyncSession, batches: Sequence[EventBatch], now: datetime) -> set[BatchKey]:
    """Insert the keys of batches; return those that are new."""
    keys = [batch.key for batch in batches if batch.key is not None]
    if not keys:
        return set()
    inserted = await session.execute(_CLAIM_BATCHES, {"now": now, "rows": _json([key._asdict() for key in keys])})
    return {BatchKey(*row) for row in inserted}


async def stored_keys(session: AsyncSession, batches: Sequence[EventBatch]) -> dict[EventKey, bytes | None]:
    """Return the keys of money events that the ledger has, with the content of their events."""
    money = [event for batch in batches for event in batch.events if is_money(event)]
    if not money:
        return {}
    rows = await call(len(money), _key_rows, money)
    result = await session.execute(_STORED_KEYS, {"rows": rows})
    return {EventKey(environment, account, key): content for environment, account, key, content in result}


async def add_keys(session: AsyncSession, keys: Sequence[NewKey], now: datetime) -> None:
    """Insert the keys of new events."""
    if not keys:
        return
    rows = [
        {
            **key.key._asdict(),
            "occurred_at": key.event.occurred_at,
            "lasting": key.lasting,
            "content": key.content.hex(),
        }
        for key in keys
    ]
    await session.execute(_ADD_KEYS, {"now": now, "rows": await call(len(rows), _json, rows)})


async def add_conflicts(session: AsyncSession, events: Sequence[Event], now: datetime) -> None:
    """Store events whose id belongs to another event; a repeated one is counted."""
    if not events:
        return
    rows = {
        (own, content): {
            "environment": event.environment,
            "account": event.account,
            "type": event.type,
            "event_id": event.id,
            "content": content.hex(),
            "engine": event.engine,
            "body": {name: value for name, value in vars(event).items() if value is not None},
        }
        for event in events
        for own, content in [(keys_of(event)[0], content_of(event))]
    }
    await session.execute(_ADD_CONFLICTS, {"now": now, "rows": await call(len(rows), _json, list(rows.values()))})


async def insert_events(session: AsyncSession, events: Sequence[Event], first: int, now: datetime) -> None:
    """Append events to the ledger with sequences from `first` on."""
    rows = await call(len(events), _json, [vars(event) for event in events])
    await session.execute(_INSERT_EVENTS, {"now": now, "first": first, "events": rows, "common": _COMMON})


def _key_rows(events: Sequence[Event]) -> str:
    return _json([key._asdict() for key in dict.fromkeys(key for event in events for key in keys_of(event))])


def _json(rows: Sequence[Mapping[str, object]]) -> str:
    # One call for all rows would keep the interpreter from every other thread.
    parts = (rows[first : first + JSON_ROWS] for first in range(0, len(rows), JSON_ROWS))
    return f"[{','.join(to_json(part).decode()[1:-1] for part in parts)}]"
