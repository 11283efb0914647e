"""SQL of rules and silences."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_alerts.evaluation import AlertKey
from seatrial_core.contracts.alerts import AlertRuleDocument, SilenceRequest
from seatrial_service.db.alerts import RuleRow, SilenceRow, StateRow


async def everything(session: AsyncSession) -> list[AlertRuleDocument]:
    """Return every rule by name."""
    rows = (await session.execute(select(RuleRow).order_by(RuleRow.name))).scalars()
    return [AlertRuleDocument.model_validate(row.document) for row in rows]


async def put_rule(session: AsyncSession, document: AlertRuleDocument, now: datetime, *, replace: bool = True) -> None:
    """Store a rule; without `replace` one that stands already is left alone."""
    values = {"name": document.name, "document": document.model_dump(mode="json"), "updated_at": now}
    statement = upsert(RuleRow).values(**values)
    if replace:
        statement = statement.on_conflict_do_update(index_elements=["name"], set_=values)
    else:
        statement = statement.on_conflict_do_nothing()
    await session.execute(statement)


async def delete_rule(session: AsyncSession, name: str) -> bool:
    """Forget a rule and what is remembered of it; return whether it was there."""
    await session.execute(delete(StateRow).where(StateRow.rule == name))
    gone = await session.execute(delete(RuleRow).where(RuleRow.name == name).returning(RuleRow.name))
    return gone.scalar_one_or_none() is not None


async def silences(session: AsyncSession, now: datetime) -> Sequence[SilenceRow]:
    """Return the silences that hold now."""
    return (await session.execute(select(SilenceRow).where(SilenceRow.expires_at > now))).scalars().all()


async def add_silence(session: AsyncSession, wanted: SilenceRequest, now: datetime) -> SilenceRow:
    """Store a silence."""
    row = SilenceRow(id=uuid4().hex, created_at=now, **wanted.model_dump())
    session.add(row)
    await session.flush()
    return row


async def end_silence(session: AsyncSession, silence_id: str) -> bool:
    """Delete a silence; return whether it was there."""
    gone = await session.execute(delete(SilenceRow).where(SilenceRow.id == silence_id).returning(SilenceRow.id))
    return gone.scalar_one_or_none() is not None


def silenced(held: Iterable[SilenceRow], key: AlertKey) -> SilenceRow | None:
    """Return the silence that covers an alert, if one does."""
    return next((one for one in held if one.rule == key.rule and one.scope in (None, key.scope)), None)
