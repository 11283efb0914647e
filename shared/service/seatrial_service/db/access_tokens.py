"""SQL of access tokens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.errors import Conflict, DatabaseUnreachable
from seatrial_service.db.access import AccessTokenRow


async def known_since(session: AsyncSession, since: datetime) -> Sequence[AccessTokenRow]:
    """Return the tokens that are valid, or were at an instant.

    Raises:
        DatabaseUnreachable: The table cannot be read.
    """
    query = select(AccessTokenRow).where(
        or_(AccessTokenRow.revoked_at.is_(None), AccessTokenRow.revoked_at > since),
        or_(AccessTokenRow.expires_at.is_(None), AccessTokenRow.expires_at > since),
    )
    try:
        return (await session.execute(query)).scalars().all()
    except ProgrammingError as error:
        raise DatabaseUnreachable(
            "the table access.tokens is missing or may not be read; run `seatrial db upgrade`"
        ) from error


async def list_tokens(session: AsyncSession) -> Sequence[AccessTokenRow]:
    """Return all tokens, oldest first."""
    return (await session.execute(select(AccessTokenRow).order_by(AccessTokenRow.created_at))).scalars().all()


async def add_token(session: AsyncSession, row: AccessTokenRow) -> None:
    """Store a token.

    Raises:
        Conflict: A token of that name is in use.
    """
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        raise Conflict(
            f"a token named `{row.name}` exists; choose another name or `seatrial token revoke {row.name}`"
        ) from error


async def revoke_tokens(session: AsyncSession, name_or_id: str, by: str, now: datetime) -> Sequence[AccessTokenRow]:
    """Revoke and return the tokens of a name or an id that are in use."""
    query = select(AccessTokenRow).where(
        or_(AccessTokenRow.name == name_or_id, AccessTokenRow.id == name_or_id), AccessTokenRow.revoked_at.is_(None)
    )
    rows = (await session.execute(query)).scalars().all()
    for row in rows:
        row.revoked_at, row.revoked_by = now, by
    await session.flush()
    return rows
