"""The tables of the engine service: accounts, positions, orders, fills, the outbox, replays, used signatures."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Date, Double, Identity, Index, Integer, Numeric, SmallInteger, String, Text, text

from seatrial_service.db.base import Base, Mapped, mapped_column

SCHEMA = {"schema": "engine"}


class InstanceRow(Base):
    """One row: this engine's identity among producers of events, and the epoch of the process that may write."""

    __tablename__ = "instance"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String)
    epoch: Mapped[int] = mapped_column(BigInteger)


class ControlChangeRow(Base):
    """A change of the trading state: who, when and why; the newest row applies."""

    __tablename__ = "control_changes"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    state: Mapped[str] = mapped_column(String)
    actor: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(String)
    changed_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String, server_default="")


class AccountRow(Base):
    """One account, its session and its record of closed trades; `replay` names the replay that owns it."""

    __tablename__ = "accounts"
    __table_args__ = SCHEMA

    account: Mapped[str] = mapped_column(String, primary_key=True)
    environment: Mapped[str] = mapped_column(String)
    opening_balance: Mapped[Decimal] = mapped_column(Numeric)
    cash: Mapped[Decimal] = mapped_column(Numeric)
    equity: Mapped[Decimal] = mapped_column(Numeric)
    session_day: Mapped[date | None] = mapped_column(Date)
    session_start_equity: Mapped[Decimal] = mapped_column(Numeric)
    closed: Mapped[int] = mapped_column(BigInteger)
    wins: Mapped[int] = mapped_column(BigInteger)
    losses: Mapped[int] = mapped_column(BigInteger)
    gain_ratios: Mapped[float] = mapped_column(Double)
    loss_ratios: Mapped[float] = mapped_column(Double)
    replay: Mapped[str | None] = mapped_column(String)
    equity_history: Mapped[str | None] = mapped_column(Text)


class PositionRow(Base):
    """One open position; short ones have a negative quantity."""

    __tablename__ = "positions"
    __table_args__ = SCHEMA

    account: Mapped[str] = mapped_column(String, primary_key=True)
    symbol: Mapped[str] = mapped_column(String, primary_key=True)
    strategy: Mapped[str] = mapped_column(String)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    entry_price: Mapped[Decimal] = mapped_column(Numeric)
    entry_fee: Mapped[Decimal] = mapped_column(Numeric)
    mark_price: Mapped[Decimal] = mapped_column(Numeric)
    opened_at: Mapped[datetime]
    stop_loss: Mapped[Decimal | None] = mapped_column(Numeric)
    take_profit: Mapped[Decimal | None] = mapped_column(Numeric)


class OrderRow(Base):
    """One order; `fingerprint` distinguishes a repetition from another order under the same client order id."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("uq_orders_account_client_order_id", "account", "client_order_id", unique=True),
        Index("uq_orders_sequence", "sequence", unique=True),
        SCHEMA,
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity())
    client_order_id: Mapped[str] = mapped_column(String)
    fingerprint: Mapped[str] = mapped_column(String)
    account: Mapped[str] = mapped_column(String)
    strategy: Mapped[str] = mapped_column(String)
    symbol: Mapped[str] = mapped_column(String)
    side: Mapped[str] = mapped_column(String)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    status: Mapped[str] = mapped_column(String)
    reason: Mapped[str | None] = mapped_column(String)
    price: Mapped[Decimal | None] = mapped_column(Numeric)
    fee: Mapped[Decimal] = mapped_column(Numeric)
    pnl: Mapped[Decimal | None] = mapped_column(Numeric)
    stop_loss: Mapped[Decimal | None] = mapped_column(Numeric)
    take_profit: Mapped[Decimal | None] = mapped_column(Numeric)
    environment: Mapped[str] = mapped_column(String)
    created_at: Mapped[datetime]
    filled_at: Mapped[datetime | None]


class FillRow(Base):
    """One execution of an order."""

    __tablename__ = "fills"
    __table_args__ = (Index("uq_fills_sequence", "sequence", unique=True), SCHEMA)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity())
    order_id: Mapped[str] = mapped_column(String)
    account: Mapped[str] = mapped_column(String)
    strategy: Mapped[str] = mapped_column(String)
    symbol: Mapped[str] = mapped_column(String)
    side: Mapped[str] = mapped_column(String)
    quantity: Mapped[Decimal] = mapped_column(Numeric)
    price: Mapped[Decimal] = mapped_column(Numeric)
    fee: Mapped[Decimal] = mapped_column(Numeric)
    pnl: Mapped[Decimal | None] = mapped_column(Numeric)
    holding_seconds: Mapped[float | None] = mapped_column(Double)
    exit_reason: Mapped[str | None] = mapped_column(String)
    occurred_at: Mapped[datetime]


class UsedSignatureRow(Base):
    """The signature of a webhook that made no order, kept for as long as the webhook could be sent again."""

    __tablename__ = "used_signatures"
    __table_args__ = (Index("ix_used_signatures_signed_at", "signed_at"), SCHEMA)

    identity: Mapped[str] = mapped_column(String, primary_key=True)
    signed_at: Mapped[int] = mapped_column(BigInteger)


class EventOutboxRow(Base):
    """Events waiting to be pushed, one JSON array per row; rows with the same `batch` are sent together.

    `holds` is how often the events came back because their time was ahead of the receiver's clock.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_batch", "batch", postgresql_where=text("batch IS NOT NULL")), SCHEMA)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(Integer)
    events: Mapped[str] = mapped_column(Text)
    holds: Mapped[int] = mapped_column(Integer, server_default=text("0"))


class OutboxRejectedRow(Base):
    """One event that the metrics service rejected, kept for inspection."""

    __tablename__ = "outbox_rejected"
    __table_args__ = SCHEMA

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(String)
    detail: Mapped[str] = mapped_column(String)
    event: Mapped[str] = mapped_column(Text)
    rejected_at: Mapped[datetime]


class ReplayRow(Base):
    """One replay: its request, its progress, and the state needed to continue it."""

    __tablename__ = "replays"
    __table_args__ = SCHEMA

    id: Mapped[str] = mapped_column(String, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String)
    request: Mapped[str] = mapped_column(Text)
    steps_done: Mapped[int] = mapped_column(BigInteger)
    steps_total: Mapped[int] = mapped_column(BigInteger)
    trades: Mapped[int] = mapped_column(BigInteger)
    progress: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(String)
    created_at: Mapped[datetime]


class ReplayPartRow(Base):
    """The closed trades and equity of one replay account in one chunk of steps, as JSON arrays."""

    __tablename__ = "replay_parts"
    __table_args__ = SCHEMA

    replay: Mapped[str] = mapped_column(String, primary_key=True)
    account: Mapped[str] = mapped_column(String, primary_key=True)
    first_step: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    trades: Mapped[str] = mapped_column(Text)
    equity: Mapped[str] = mapped_column(Text)
