"""Creates, lists and revokes the access tokens in the database; services notice a change within two seconds."""

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import uuid4

from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import NotFound, ValidationFailed, field_error
from seatrial_service.auth import NAME, SCOPES
from seatrial_service.db import access_tokens
from seatrial_service.db.access import AccessTokenRow
from seatrial_service.db.session import Database
from seatrial_service.db.upgrade import head
from seatrial_service.stored_tokens import TOKEN_PREFIX

RANDOM_BYTES = 32
MAX_DAYS = 3650
NEVER = "never"
_DURATION = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


class TokenManager:
    """The access tokens of one database.

    Args:
        database: The database, opened by a role that may write the table.
        clock: The source of time.
        operator: Who creates and revokes, for the record.
    """

    def __init__(self, database: Database, clock: Clock, operator: str) -> None:
        self._database = database
        self._clock = clock
        self._operator = operator

    async def create(self, name: str, scopes: Iterable[str], lifetime: timedelta | None) -> tuple[str, AccessTokenRow]:
        """Store a new token and return its text, which is not stored, and its row.

        Args:
            name: The principal of its requests; unique among the tokens in use.
            scopes: What it may do.
            lifetime: How long it is valid; None without an end.

        Raises:
            ValidationFailed: The name or a scope is not allowed.
            Conflict: A token of that name is in use.
        """
        granted = sorted(set(scopes))
        if not NAME.fullmatch(name):
            raise field_error("name", name[:100], "1 to 64 letters, digits, `.`, `_` or `-`")
        if not granted or not set(granted) <= SCOPES:
            unknown = ", ".join(sorted(set(granted) - SCOPES))
            raise ValidationFailed(
                f"scopes must be some of {', '.join(sorted(SCOPES))}; found {unknown[:100] or 'none'}"
            )
        text = TOKEN_PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        now = self._clock.now()
        row = AccessTokenRow(
            id=uuid4().hex[:12],
            name=name,
            hash=sha256(text.encode()).hexdigest(),
            scopes=granted,
            created_at=now,
            created_by=self._operator,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self._database.require_head(head())
        async with self._database.transaction() as session:
            await access_tokens.add_token(session, row)
        return text, row

    async def list_all(self) -> Sequence[AccessTokenRow]:
        """Return all tokens, oldest first; none contains the text."""
        await self._database.require_head(head())
        async with self._database.transaction() as session:
            return await access_tokens.list_tokens(session)

    async def revoke(self, name_or_id: str) -> Sequence[AccessTokenRow]:
        """Revoke and return the tokens of a name or an id.

        Raises:
            NotFound: No token in use has that name or id.
        """
        await self._database.require_head(head())
        async with self._database.transaction() as session:
            rows = await access_tokens.revoke_tokens(session, name_or_id, self._operator, self._clock.now())
        if not rows:
            raise NotFound(f"no token in use is named {name_or_id[:100]!r}; `seatrial token list` lists them")
        return rows


def parse_lifetime(text: str) -> timedelta | None:
    """Return a lifetime such as `12h`, `90d` or `4w`; None for `never`.

    Raises:
        ValidationFailed: The text is none of these, or longer than ten years.
    """
    if text == NEVER:
        return None
    match = _DURATION.fullmatch(text)
    lifetime = timedelta(hours=int(match[1]) * _HOURS[match[2]]) if match else timedelta(0)
    if match is None or lifetime > timedelta(days=MAX_DAYS):
        raise field_error("expires", text[:50], f"`12h`, `90d`, `4w`, at most `{MAX_DAYS}d`, or `{NEVER}`")
    return lifetime


def status_of(row: AccessTokenRow, now: datetime) -> str:
    """Return whether a token is `valid`, `expired` or `revoked`."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "valid"
