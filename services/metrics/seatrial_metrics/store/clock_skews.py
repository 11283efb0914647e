"""Stores how far the clocks of engines are ahead."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_metrics.batches import EventBatch
from seatrial_metrics.clock_skew import NONE, EngineKey
from seatrial_service.db.metrics import ClockSkewRow


async def save(session: AsyncSession, batches: Sequence[EventBatch], now: datetime) -> None:
    """Store the skews of a group; an engine that was never ahead gets no row."""
    skews = {key: skew for batch in batches for key, skew in batch.skews.items()}
    ahead = [key for key in sorted(skews) if skews[key] > NONE]
    if ahead:
        statement = insert(ClockSkewRow)
        new = statement.excluded
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["environment", "engine"],
                set_={"seconds": new.seconds, "measured_at": new.measured_at},
            ),
            [{**key._asdict(), "seconds": _seconds(skews[key]), "measured_at": now} for key in ahead],
        )
    if len(ahead) < len(skews):
        stored = await session.execute(
            select(ClockSkewRow.environment, ClockSkewRow.engine).where(ClockSkewRow.seconds > 0)
        )
        for key in sorted(EngineKey(*row) for row in stored):
            if key in skews and skews[key] <= NONE:
                same = (ClockSkewRow.environment == key.environment) & (ClockSkewRow.engine == key.engine)
                await session.execute(update(ClockSkewRow).where(same).values(seconds=0, measured_at=now))


async def read(session: AsyncSession) -> Mapping[EngineKey, Decimal]:
    """Return the seconds by which engines were ahead."""
    rows = await session.execute(select(ClockSkewRow.environment, ClockSkewRow.engine, ClockSkewRow.seconds))
    return {EngineKey(row.environment, row.engine): row.seconds for row in rows}


def _seconds(skew: timedelta) -> Decimal:
    return Decimal(skew // timedelta(microseconds=1)) / 1_000_000
