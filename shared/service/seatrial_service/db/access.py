"""The table of access tokens, which every service reads and only the owner of the database writes."""

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from seatrial_service.db.base import Base

SCHEMA = "access"


class AccessTokenRow(Base):
    """One token, by the SHA-256 of its text; rows stay after the token expired or was revoked."""

    __tablename__ = "tokens"
    __table_args__ = (
        Index("uq_tokens_hash", "hash", unique=True),
        Index("uq_tokens_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    hash: Mapped[str] = mapped_column(String)
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String)
