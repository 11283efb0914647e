"""The keys by which a money event counts once, and the content that a repetition of it must have."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal, localcontext

from pydantic_core import to_json

from seatrial_core.contracts.events import Event, TradeEvent
from seatrial_core.decimals import EXACT

CONTENT_BYTES = 16
# What makes two executions of one trade different. Not among them: when it was sent, and how long it took.
EXECUTION_TEXTS = ("status", "side", "strategy", "symbol", "exit_reason")
EXECUTION_AMOUNTS = ("quantity", "price", "pnl", "fee")
_SEPARATOR = "\x1f"  # never part of a text


def ledger_key(event: Event) -> str:
    """Return the key of the event itself, unique within its account: its type and its id."""
    return f"{event.type}:{event.id}"


def execution_key(event: Event) -> str | None:
    """Return the key of the execution that a trade event reports, unique within its account.

    Two events with this key are one execution, also under different event ids. None for an event that belongs to no
    trade: only its id identifies it.
    """
    if not isinstance(event, TradeEvent):
        return None
    return execution_key_of(vars(event))


def execution_key_of(fields: Mapping[str, object]) -> str | None:
    """Return the same from the fields of a trade event, as values or as in JSON."""
    trade_id, execution_id = fields.get("trade_id"), fields.get("execution_id")
    if execution_id is not None:
        return f"execution:{execution_id}"
    if trade_id is None:
        return None
    texts = [str(fields.get(name) or "") for name in EXECUTION_TEXTS]
    amounts = [_plain(fields.get(name)) for name in EXECUTION_AMOUNTS]
    digest = hashlib.sha256(_SEPARATOR.join([str(trade_id), *texts, *amounts]).encode())
    return f"trade_step:{digest.hexdigest()}"


def content_of(event: Event) -> bytes:
    """Return a hash of what an event says; events that differ only in the spelling of a number have the same."""
    values = {**vars(event), "occurred_at": event.sent_at or event.occurred_at, "sent_at": None}
    fields = {
        name: _plain(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
        if value is not None
    }
    return hashlib.blake2b(to_json(dict(sorted(fields.items()))), digest_size=CONTENT_BYTES).digest()


def _plain(value: object) -> str:
    if value is None:
        return ""
    with localcontext(EXACT):
        number = Decimal(str(value)).normalize()
    return f"{number:f}" if number else "0"
