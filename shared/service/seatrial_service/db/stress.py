"""Tables of the stress service: runs and their reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from seatrial_service.db.base import Base

SCHEMA = "stress"


class RunRow(Base):
    """One run, from its request to its report."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_created_at", "created_at"), {"schema": SCHEMA})

    id: Mapped[str] = mapped_column(String, primary_key=True)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: the plan's JSON
    target: Mapped[str] = mapped_column(String)
    origin: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String)
    progress_ratio: Mapped[float] = mapped_column(Float)
    verdict: Mapped[str | None] = mapped_column(String)
    error: Mapped[str | None] = mapped_column(Text)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # Any: the report's JSON
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
