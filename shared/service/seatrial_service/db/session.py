"""Connections to Postgres: one SQLAlchemy engine per service, and transactions that the caller owns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as AsyncSession  # callers outside the stores take it from here

from seatrial_core.errors import DatabaseUnreachable

CONNECT_SECONDS = 5
POOL_SECONDS = 5
STATEMENT_MILLISECONDS = 30_000
DISK_FULL = "53100"  # the SQLSTATE


def driver_url(url: str) -> str:
    """Return a plain postgresql:// address in SQLAlchemy's form for psycopg 3."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class Database:
    """The database of one service.

    Args:
        url: A plain postgresql:// address.
        pool_size: Connections kept open.
        application: The `application_name` of the connections.
    """

    def __init__(self, url: str, *, pool_size: int = 5, application: str = "seatrial") -> None:
        self.engine: AsyncEngine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": application,
                "options": f"-c statement_timeout={STATEMENT_MILLISECONDS} -c timezone=UTC",
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a session whose transaction commits at the end, or rolls back on an error.

        Raises:
            DatabaseUnreachable: Postgres does not respond, or the connection was lost before the commit was confirmed.
        """
        try:
            async with self._sessions() as session, session.begin():
                yield session
        except (OperationalError, PoolTimeoutError) as error:
            raise DatabaseUnreachable(_problem(error)) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnreachable("the connection to the database was lost; try again shortly") from error
            raise
        except OSError as error:
            raise DatabaseUnreachable(f"the database cannot be reached: {error}") from error

    async def require_head(self, expected: str) -> None:
        """Raise DatabaseUnreachable unless the schema is at the newest migration."""
        try:
            async with self.transaction() as session:
                rows = await session.execute(text("SELECT version_num FROM public.alembic_version"))
                current = rows.scalar_one_or_none()
        except ProgrammingError:
            current = None  # an empty database has no such table
        if current != expected:
            raise DatabaseUnreachable(
                f"the schema is at {current}, this program needs {expected}; run `seatrial db upgrade`"
            )

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _problem(error: OperationalError | PoolTimeoutError) -> str:
    if isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) == DISK_FULL:
        return "the disk of the database is full; free some space there, then send again"
    return "the database does not answer; try again shortly"
