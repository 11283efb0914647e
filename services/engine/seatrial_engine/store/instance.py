"""Fencing: only the newest process of an engine may write."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.errors import Unavailable
from seatrial_service.db.engine import InstanceRow


@dataclass(frozen=True)
class Instance:
    """The engine's name as a producer of events, and the epoch in which this process may write."""

    name: str
    epoch: int


class SupersededByNewerProcess(Unavailable):
    """A newer process of this engine writes now."""

    code = "taken_over"


async def claim(session: AsyncSession, name: str) -> Instance:
    """Begin a new epoch, which fences out the previous writer; `name` is used by the very first claim only."""
    first = insert(InstanceRow).values(id=1, name=name, epoch=1)
    statement = first.on_conflict_do_update(index_elements=["id"], set_={"epoch": InstanceRow.epoch + 1})
    row = (await session.execute(statement.returning(InstanceRow.name, InstanceRow.epoch))).one()
    return Instance(row.name, row.epoch)


async def require(session: AsyncSession, instance: Instance) -> None:
    """Raise SupersededByNewerProcess unless this process may write until the transaction ends."""
    statement = select(InstanceRow.epoch).where(InstanceRow.id == 1).with_for_update(read=True)
    epoch = (await session.execute(statement)).scalar_one_or_none()
    if epoch != instance.epoch:
        raise SupersededByNewerProcess(
            "another engine process took over this database, so this one no longer trades; stop one of the two"
        )
