"""Writes the ledger: keys, batches, events, and the head that orders commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import NOTIFY_CHANNEL, Environment, Event, EventBase, ledger_key
from seatrial_metrics.batches import BatchKey, EventBatch
from seatrial_metrics.deduplication import EventKey, is_money
from seatrial_metrics.off_loop import call

JSON_ROWS = 500
_COMMON = [*EventBase.model_fields, "type"]

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
_CLAIM_KEYS = text(
    """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting)
    SELECT environment, account, ledger_key, occurred_at, :now, lasting
    FROM json_to_recordset(CAST(:rows AS json)) AS t
        (environment text, account text, ledger_key text, occurred_at timestamptz, lasting boolean)
    ON CONFLICT DO NOTHING
    RETURNING environment, account, ledger_key
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


async def claim_keys(session: AsyncSession, batches: Sequence[EventBatch], now: datetime) -> set[EventKey]:
    """Insert the keys of money events; return those that are new."""
    money = [(event, batch.imported) for batch in batches for event in batch.events if is_money(event)]
    if not money:
        return set()
    rows = [
        {
            "environment": event.environment,
            "account": event.account,
            "ledger_key": ledger_key(event),
            "occurred_at": event.occurred_at,
            "lasting": imported or event.environment is Environment.REPLAY,
        }
        for event, imported in money
    ]
    inserted = await session.execute(_CLAIM_KEYS, {"now": now, "rows": await call(len(rows), _json, rows)})
    return {EventKey(*row) for row in inserted}


async def insert_events(session: AsyncSession, events: Sequence[Event], first: int, now: datetime) -> None:
    """Append events to the ledger with sequences from `first` on."""
    rows = await call(len(events), _json, [vars(event) for event in events])
    await session.execute(_INSERT_EVENTS, {"now": now, "first": first, "events": rows, "common": _COMMON})


def _json(rows: Sequence[Mapping[str, object]]) -> str:
    # One call for all rows would keep the interpreter from every other thread.
    parts = (rows[first : first + JSON_ROWS] for first in range(0, len(rows), JSON_ROWS))
    return f"[{','.join(to_json(part).decode()[1:-1] for part in parts)}]"
