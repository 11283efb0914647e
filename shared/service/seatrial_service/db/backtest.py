"""The tables of the backtest service: datasets, jobs, results; the job queue has its own tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB

from seatrial_service.db.base import Base, Mapped, mapped_column

SCHEMA = {"schema": "backtest"}


class DatasetRow(Base):
    """Bars of one symbol; `id` is the SHA-256 of their content, so the same bars are stored once."""

    __tablename__ = "datasets"
    __table_args__ = (Index("ix_datasets_created_at", "created_at", "id"), SCHEMA)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    symbol: Mapped[str] = mapped_column(String)
    bars: Mapped[int] = mapped_column(BigInteger)
    interval_ms: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    data_quality: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: what the loader found
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class JobRow(Base):
    """One backtest; `id` is the hash of everything its numbers depend on, so the same request is one job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_created_at", "created_at", "id"),
        Index("ix_jobs_unfinished", "status", postgresql_where=text("status IN ('queued', 'running')")),
        SCHEMA,
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(String(64), ForeignKey("backtest.datasets.id"))
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: the request as it came
    status: Mapped[str] = mapped_column(String)
    progress_ratio: Mapped[float] = mapped_column(Float(53), server_default=text("0"))
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    cancel_requested: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    error: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ResultRow(Base):
    """The result document of a job, gzip JSON; written once."""

    __tablename__ = "results"
    __table_args__ = SCHEMA

    job_id: Mapped[str] = mapped_column(String(64), ForeignKey("backtest.jobs.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    document: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
