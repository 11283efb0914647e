"""The tables of the metrics service: the ledger, its keys, and the figures derived from it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from seatrial_service.db.base import Base, Mapped, mapped_column

SCHEMA = {"schema": "metrics"}


class LedgerHead(Base):
    """One row with the last sequence, locked by every commit so that sequences appear in order."""

    __tablename__ = "ledger_head"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class LedgerEvent(Base):
    """One accepted event; the table is partitioned by the day of receipt."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_sequence", "sequence"),
        Index("ix_events_account", "environment", "account", "occurred_at"),
        {"schema": "metrics", "postgresql_partition_by": "RANGE (received_at)"},
    )

    received_at: Mapped[datetime] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[str] = mapped_column(String)
    type: Mapped[str] = mapped_column(String)
    occurred_at: Mapped[datetime]
    engine: Mapped[str] = mapped_column(String)
    account: Mapped[str] = mapped_column(String)
    strategy: Mapped[str] = mapped_column(String)
    symbol: Mapped[str] = mapped_column(String)
    environment: Mapped[str] = mapped_column(String)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: the fields of each type


class EventKeyRow(Base):
    """The unique keys of money events, which a partitioned table cannot enforce."""

    __tablename__ = "event_keys"
    __table_args__ = (Index("ix_event_keys_received_at", "received_at"), SCHEMA)

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    ledger_key: Mapped[str] = mapped_column(String, primary_key=True)
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    lasting: Mapped[bool] = mapped_column(Boolean)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


class ConflictRow(Base):
    """A rejected money event whose id belongs to another event."""

    __tablename__ = "conflicts"
    __table_args__ = (Index("ix_conflicts_number", "number"), SCHEMA)

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    type: Mapped[str] = mapped_column(String, primary_key=True)
    event_id: Mapped[str] = mapped_column(String, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    engine: Mapped[str] = mapped_column(String)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: the fields of each type
    times: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    first_received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]


class ClockSkewRow(Base):
    """How far the clock of an engine was ahead at its last events; without a row it never was."""

    __tablename__ = "clock_skews"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    engine: Mapped[str] = mapped_column(String, primary_key=True)
    seconds: Mapped[Decimal] = mapped_column(Numeric)
    measured_at: Mapped[datetime]


class BatchRow(Base):
    """A committed telemetry batch, so that a repetition of it is ignored."""

    __tablename__ = "batches"
    __table_args__ = (Index("ix_batches_received_at", "received_at"), SCHEMA)

    producer: Mapped[str] = mapped_column(String, primary_key=True)
    sequence: Mapped[str] = mapped_column(String, primary_key=True)
    received_at: Mapped[datetime]


class LevelColumns:
    """The state of an equity curve after one instant."""

    equity: Mapped[Decimal] = mapped_column(Numeric)
    peak: Mapped[Decimal] = mapped_column(Numeric)
    max_drawdown_ratio: Mapped[Decimal] = mapped_column(Numeric)
    base: Mapped[Decimal] = mapped_column(Numeric)
    base_reference: Mapped[Decimal] = mapped_column(Numeric)
    session_day: Mapped[date | None] = mapped_column(Date)
    session_start_equity: Mapped[Decimal] = mapped_column(Numeric)
    session_reference: Mapped[Decimal] = mapped_column(Numeric)
    withdrawn_equity: Mapped[Decimal | None] = mapped_column(Numeric)
    members: Mapped[int] = mapped_column(Integer)


class CurveColumns(LevelColumns):
    """An equity curve: its state, the state before the newest instant, and the reports of that instant."""

    before: Mapped[dict[str, Any]] = mapped_column(JSONB)  # Any: a level, its numbers as text
    pending: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # Any: reports, likewise
    pending_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class AccountBook(CurveColumns, Base):
    """The figures of one account."""

    __tablename__ = "accounts"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    currency: Mapped[str] = mapped_column(String)
    opening_balance: Mapped[Decimal | None] = mapped_column(Numeric)
    opened_at: Mapped[datetime | None]
    session_zone: Mapped[str] = mapped_column(String, server_default=text("'UTC'"))
    first_entry_at: Mapped[datetime | None]
    marked_at: Mapped[datetime | None]
    marked_equity: Mapped[Decimal | None] = mapped_column(Numeric)
    cash: Mapped[Decimal | None] = mapped_column(Numeric)
    open_positions: Mapped[int | None] = mapped_column(Integer)
    risk_at_stop: Mapped[Decimal | None] = mapped_column(Numeric)
    realised_pnl: Mapped[Decimal] = mapped_column(Numeric)
    wins: Mapped[int] = mapped_column(BigInteger)
    losses: Mapped[int] = mapped_column(BigInteger)
    flats: Mapped[int] = mapped_column(BigInteger)
    filled_trades: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    late_events: Mapped[int] = mapped_column(BigInteger)
    last_occurred_at: Mapped[datetime | None]


class CurrencyColumns:
    """The currency of a portfolio, and equity and rate of every other currency."""

    currency: Mapped[str] = mapped_column(String, server_default=text("'USD'"))
    other_currencies: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # Any: numbers as text


class PortfolioBook(CurrencyColumns, CurveColumns, Base):
    """The curve of all accounts of an environment together."""

    __tablename__ = "portfolios"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    session_zone: Mapped[str] = mapped_column(String, server_default=text("'UTC'"))
    pending_since: Mapped[datetime | None]


class EquityPoint(LevelColumns, Base):
    """What one account reported at one instant, and the state of its curve then; without a day it is not known yet."""

    __tablename__ = "equity_points"
    __table_args__ = (Index("ix_equity_points_time", "environment", "occurred_at"), SCHEMA)

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    marked_equity: Mapped[Decimal | None] = mapped_column(Numeric)
    flow: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))
    result: Mapped[Decimal] = mapped_column(Numeric, server_default=text("0"))
    cash: Mapped[Decimal | None] = mapped_column(Numeric)
    open_positions: Mapped[int | None] = mapped_column(Integer)
    risk_at_stop: Mapped[Decimal | None] = mapped_column(Numeric)


class PortfolioPoint(CurrencyColumns, LevelColumns, Base):
    """All accounts of an environment at one instant."""

    __tablename__ = "portfolio_points"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)


class FxRateRow(Base):
    """The price of one unit of a currency in another one at one instant."""

    __tablename__ = "fx_rates"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    base: Mapped[str] = mapped_column(String, primary_key=True)
    quote: Mapped[str] = mapped_column(String, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric)
    source: Mapped[str] = mapped_column(String)


class Restatement(Base):
    """Equity of an environment that late events change and that is computed again, a part in each transaction."""

    __tablename__ = "restatements"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    next_start_at: Mapped[datetime | None]  # the earliest late instant that the running pass does not cover
    cursor_at: Mapped[datetime | None]  # where the running pass goes on
    requested_at: Mapped[datetime]


class CounterRow(Base):
    """One counter value, by family and labels; survives restarts."""

    __tablename__ = "counters"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    family: Mapped[str] = mapped_column(String, primary_key=True)
    first: Mapped[str] = mapped_column(String, primary_key=True)
    second: Mapped[str] = mapped_column(String, primary_key=True)
    third: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[Decimal] = mapped_column(Numeric)
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))  # who came first keeps its label


class ActivityRow(Base):
    """Counts of one second, for windows over the last minutes."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_second", "environment", "second"), SCHEMA)

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    endpoint: Mapped[str] = mapped_column(String, primary_key=True)
    second: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    trades: Mapped[int] = mapped_column(BigInteger)
    api_calls: Mapped[int] = mapped_column(BigInteger)
    failed_calls: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger)
    slowest_seconds: Mapped[Decimal | None] = mapped_column(Numeric)


class EngineRow(Base):
    """The last heartbeat of an engine and the last sample of its machine."""

    __tablename__ = "engines"
    __table_args__ = SCHEMA

    environment: Mapped[str] = mapped_column(String, primary_key=True)
    engine: Mapped[str] = mapped_column(String, primary_key=True)
    last_occurred_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime | None]
    system_at: Mapped[datetime | None]
    system_received_at: Mapped[datetime | None]
    cpu_percent: Mapped[Decimal | None] = mapped_column(Numeric)
    memory_percent: Mapped[Decimal | None] = mapped_column(Numeric)
    disk_percent: Mapped[Decimal | None] = mapped_column(Numeric)
