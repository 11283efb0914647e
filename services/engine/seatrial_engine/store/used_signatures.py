"""The signatures of webhooks that make no order; of the others the stored order is the memory."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.signing import TOLERANCE_SECONDS
from seatrial_service.db.engine import UsedSignatureRow

# Longer than a signature is valid, because the clock of the engine may be set back.
KEPT_SECONDS = 2 * TOLERANCE_SECONDS


async def use(session: AsyncSession, identity: str, signed_at: int, now: int) -> bool:
    """Store a valid signature and return whether it is new; a restarted engine knows it too.

    Args:
        session: The transaction.
        identity: The hash of the signature.
        signed_at: Its timestamp, epoch seconds.
        now: The current epoch seconds; signatures that can no longer be valid are deleted.
    """
    await session.execute(delete(UsedSignatureRow).where(UsedSignatureRow.signed_at < now - KEPT_SECONDS))
    statement = insert(UsedSignatureRow).values(identity=identity, signed_at=signed_at).on_conflict_do_nothing()
    return (await session.execute(statement.returning(UsedSignatureRow.identity))).scalar_one_or_none() is not None
