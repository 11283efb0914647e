"""SQL of rules and silences."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts.evaluation import AlertKey
from seatrial_core.contracts.alerts import AlertRuleDocument, SilenceRequest
from seatrial_core.errors import Conflict
from seatrial_service.db.alerts import RuleRow, SilenceRow, StateRow

MAX_RULES = 200
MAX_SILENCES = 1_000


async def list_rules(session: AsyncSession) -> list[AlertRuleDocument]:
    """Return all rules, ordered by name."""
    rows = (await session.execute(select(RuleRow).order_by(RuleRow.name))).scalars()
    return [AlertRuleDocument.model_validate(row.document) for row in rows]


async def require_room_for_rule(session: AsyncSession, name: str) -> None:
    """Refuse a rule beyond the greatest number; each is evaluated for every scope at every evaluation.

    Raises:
        Conflict: There are `MAX_RULES` rules, and none is called `name`.
    """
    others = await session.scalar(select(func.count()).select_from(RuleRow).where(RuleRow.name != name)) or 0
    if others >= MAX_RULES:
        raise Conflict(f"there are {others} rules, the most there may be; delete one before you add `{name}`")


async def put_rule(
    session: AsyncSession, document: AlertRuleDocument, now: datetime, *, replace: bool = True, by: str = ""
) -> None:
    """Store a rule; without `replace` an existing one is kept."""
    body = document.model_dump(mode="json")
    values = {"name": document.name, "document": body, "updated_at": now, "updated_by": by}
    statement = upsert(RuleRow).values(**values)
    if replace:
        statement = statement.on_conflict_do_update(index_elements=["name"], set_=values)
    else:
        statement = statement.on_conflict_do_nothing()
    await session.execute(statement)


async def delete_rule(session: AsyncSession, name: str) -> bool:
    """Delete a rule and its states; return whether it existed."""
    await session.execute(delete(StateRow).where(StateRow.rule == name))
    deleted = await session.execute(delete(RuleRow).where(RuleRow.name == name).returning(RuleRow.name))
    return deleted.scalar_one_or_none() is not None


async def active_silences(session: AsyncSession, now: datetime) -> Sequence[SilenceRow]:
    """Return the silences that have not expired."""
    return (await session.execute(select(SilenceRow).where(SilenceRow.expires_at > now))).scalars().all()


async def add_silence(
    session: AsyncSession, request: SilenceRequest, actor: tuple[str, str], now: datetime
) -> SilenceRow:
    """Store and return a silence.

    Args:
        session: The transaction.
        request: What is silenced, and until when.
        actor: Who silences, and what the caller said about itself.
        now: When.

    Raises:
        Conflict: There are `MAX_SILENCES` active silences.
    """
    silences = select(func.count()).select_from(SilenceRow).where(SilenceRow.expires_at > now)
    active = await session.scalar(silences) or 0
    if active >= MAX_SILENCES:
        raise Conflict(f"there are {active} active silences, the most there may be; delete one first")
    created_by, note = actor
    values = {**request.model_dump(), "created_by": created_by, "note": note}
    row = SilenceRow(id=uuid4().hex, created_at=now, **values)
    session.add(row)
    await session.flush()
    return row


async def end_silence(session: AsyncSession, silence_id: str) -> bool:
    """Delete a silence; return whether it existed."""
    deleted = await session.execute(delete(SilenceRow).where(SilenceRow.id == silence_id).returning(SilenceRow.id))
    return deleted.scalar_one_or_none() is not None


def matching_silence(silences: Iterable[SilenceRow], key: AlertKey) -> SilenceRow | None:
    """Return the silence that applies to an alert, or None."""
    return next((row for row in silences if row.rule == key.rule and row.scope in (None, key.scope)), None)
