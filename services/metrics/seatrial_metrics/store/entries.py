"""Writes the ledger: keys, batches, events, and the head that puts commits in order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.batches import Batch, BatchKey
from seatrial_metrics.ledger import EventKey, is_money, key_of
from seatrial_shared.contracts.events import Environment, Event, EventBase

CHANNEL = "seatrial_metrics"
_COMMON = frozenset({*EventBase.model_fields, "type"})

_LOCK_HEAD = text("SELECT last_sequence FROM metrics.ledger_head WHERE id = 1 FOR UPDATE")
_MOVE_HEAD = text("UPDATE metrics.ledger_head SET last_sequence = :sequence WHERE id = 1")
_NOTIFY = text("SELECT pg_notify(:channel, :payload)")
_CLAIM_BATCHES = text(
    """
    INSERT INTO metrics.batches (producer, sequence, received_at)
    SELECT producer, sequence, :now
    FROM unnest(CAST(:producers AS text[]), CAST(:sequences AS text[])) AS t (producer, sequence)
    ON CONFLICT DO NOTHING
    RETURNING producer, sequence
    """
)
_CLAIM_KEYS = text(
    """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting)
    SELECT environment, account, ledger_key, occurred_at, :now, lasting
    FROM unnest(
        CAST(:environments AS text[]), CAST(:accounts AS text[]), CAST(:keys AS text[]),
        CAST(:instants AS timestamptz[]), CAST(:lasting AS boolean[])
    ) AS t (environment, account, ledger_key, occurred_at, lasting)
    ON CONFLICT DO NOTHING
    RETURNING environment, account, ledger_key
    """
)
_INSERT_EVENTS = text(
    """
    INSERT INTO metrics.events
        (received_at, sequence, id, type, occurred_at, engine, account, strategy, symbol, environment, body)
    SELECT :now, :first + row - 1, id, type, occurred_at, engine, account, strategy, symbol, environment, body::jsonb
    FROM unnest(
        CAST(:ids AS text[]), CAST(:types AS text[]), CAST(:instants AS timestamptz[]), CAST(:engines AS text[]),
        CAST(:accounts AS text[]), CAST(:strategies AS text[]), CAST(:symbols AS text[]),
        CAST(:environments AS text[]), CAST(:bodies AS text[])
    ) WITH ORDINALITY AS t (id, type, occurred_at, engine, account, strategy, symbol, environment, body, row)
    """
)


async def lock_head(session: AsyncSession) -> int:
    """Take the place at the end of the ledger until this transaction ends; return the last sequence."""
    return int((await session.execute(_LOCK_HEAD)).scalar_one())


async def move_head(session: AsyncSession, sequence: int) -> None:
    """Set the last sequence and ring the doorbell, which sounds at the commit."""
    await session.execute(_MOVE_HEAD, {"sequence": sequence})
    await session.execute(_NOTIFY, {"channel": CHANNEL, "payload": str(sequence)})


async def claim_batches(session: AsyncSession, batches: Sequence[Batch], now: datetime) -> set[BatchKey]:
    """Store the keys of batches; return those that were not there."""
    keys = [batch.key for batch in batches if batch.key is not None]
    if not keys:
        return set()
    rows = await session.execute(
        _CLAIM_BATCHES,
        {"now": now, "producers": [key.producer for key in keys], "sequences": [key.sequence for key in keys]},
    )
    return {BatchKey(producer, sequence) for producer, sequence in rows}


async def claim_keys(session: AsyncSession, batches: Sequence[Batch], now: datetime) -> set[EventKey]:
    """Store the keys of money events; return those that were not there."""
    money = [(event, batch.imported) for batch in batches for event in batch.events if is_money(event)]
    if not money:
        return set()
    keys = [key_of(event) for event, _ in money]
    rows = await session.execute(
        _CLAIM_KEYS,
        {
            "now": now,
            "environments": [key.environment for key in keys],
            "accounts": [key.account for key in keys],
            "keys": [key.key for key in keys],
            "instants": [event.occurred_at for event, _ in money],
            "lasting": [imported or event.environment is Environment.REPLAY for event, imported in money],
        },
    )
    return {EventKey(*row) for row in rows}


async def insert_events(session: AsyncSession, events: Sequence[Event], first: int, now: datetime) -> None:
    """Append events to the ledger with sequences from `first` on."""
    await session.execute(
        _INSERT_EVENTS,
        {
            "now": now,
            "first": first,
            "ids": [event.id for event in events],
            "types": [event.type for event in events],
            "instants": [event.occurred_at for event in events],
            "engines": [event.engine for event in events],
            "accounts": [event.account for event in events],
            "strategies": [event.strategy for event in events],
            "symbols": [event.symbol for event in events],
            "environments": [event.environment.value for event in events],
            "bodies": [event.model_dump_json(exclude=set(_COMMON), exclude_none=True) for event in events],
        },
    )
