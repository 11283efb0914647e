"""Looks up the tokens stored in the database, through a cache of a few seconds."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_service import logs
from seatrial_service.auth import Principal
from seatrial_service.db import access_tokens
from seatrial_service.db.access import AccessTokenRow
from seatrial_service.db.session import Database

# A token starts with this, so that secret scanners find a leaked one.
TOKEN_PREFIX = "seatrial_"  # a prefix, not a secret
FRESH_SECONDS = 2.0
MISS_SECONDS = 0.5
KEPT_SECONDS = 30.0
RETRY_SECONDS = 1.0
LOAD_TIMEOUT_SECONDS = 2.0
ENDED_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class StoredToken:
    """One token of the database, by its hash."""

    id: str
    hash: str
    principal: Principal
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None


Load = Callable[[], Awaitable[Mapping[str, StoredToken]]]
Announce = Callable[[str, StoredToken], None]


class StoredTokens:
    """The tokens of the database, as they were at most two seconds ago.

    While the database does not respond, the tokens known are accepted for 30 seconds more; others cannot be checked.

    Args:
        load: Returns all tokens by hash.
        clock: Measures the age of the cache.
        announce: Called with `token_created` or `token_revoked` for every change that is noticed.
    """

    def __init__(self, load: Load, clock: Clock, announce: Announce) -> None:
        self._load = load
        self._clock = clock
        self._announce = announce
        self._tokens: Mapping[str, StoredToken] = {}
        self._loaded_at: float | None = None
        self._failed_at: float | None = None
        self._loading = asyncio.Lock()

    async def find(self, token: str) -> StoredToken | None:
        """Return a token, which may have ended; None if there is no such token.

        Raises:
            DatabaseUnreachable: It cannot be checked now.
        """
        if not token.startswith(TOKEN_PREFIX):
            return None
        digest = sha256(token.encode()).hexdigest()
        if self._age() > (FRESH_SECONDS if digest in self._tokens else MISS_SECONDS):
            await self._refresh()
        stored = self._tokens.get(digest)
        is_unchecked = self._failed_at is not None and stored is None
        if is_unchecked or self._age() > KEPT_SECONDS:
            raise DatabaseUnreachable("the database does not answer, so this token cannot be checked; try again")
        return stored if stored is not None and hmac.compare_digest(stored.hash, digest) else None

    def _age(self) -> float:
        return float("inf") if self._loaded_at is None else self._clock.monotonic() - self._loaded_at

    async def _refresh(self) -> None:
        asked_at = self._clock.monotonic()
        async with self._loading:  # one load at a time; those who waited for it use its result
            if self._loaded_at is not None and self._loaded_at >= asked_at:
                return
            if self._failed_at is not None and self._clock.monotonic() - self._failed_at < RETRY_SECONDS:
                return
            try:
                started_at = self._clock.monotonic()
                async with asyncio.timeout(LOAD_TIMEOUT_SECONDS):
                    loaded = await self._load()
            except (DatabaseUnreachable, TimeoutError) as error:
                self._failed_at = self._clock.monotonic()
                logs.get().warning("tokens_not_loaded", error=str(error) or "no answer in time")
                return
            if self._loaded_at is not None:
                self._announce_changes(loaded)
            self._tokens, self._loaded_at, self._failed_at = loaded, started_at, None

    def _announce_changes(self, loaded: Mapping[str, StoredToken]) -> None:
        for digest, token in loaded.items():
            before = self._tokens.get(digest)
            if before is None:
                self._announce("token_created", token)
            if token.revoked_at is not None and (before is None or before.revoked_at is None):
                self._announce("token_revoked", token)


def database_loader(database: Database, clock: Clock) -> Load:
    """Return the function that reads all tokens which are valid, or ended in the last 30 days.

    Args:
        database: The database of the service, which may read the table.
        clock: The source of time.
    """

    async def load() -> Mapping[str, StoredToken]:
        async with database.transaction() as session:
            rows = await access_tokens.known_since(session, clock.now() - ENDED_KEPT)
        return {row.hash: _stored(row) for row in rows}

    return load


def _stored(row: AccessTokenRow) -> StoredToken:
    principal = Principal(row.name, frozenset(row.scopes))
    return StoredToken(
        row.id, row.hash, principal, row.created_by, row.expires_at, row.revoked_at, revoked_by=row.revoked_by
    )
