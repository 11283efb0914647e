"""Tables of the alerts service: rules, alert states, alerts with their history, the outbox and silences."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Identity, Index, Integer, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from seatrial_core.json_types import Json
from seatrial_service.db.base import Base

SCHEMA = "alerts"


class RuleRow(Base):
    """One rule."""

    __tablename__ = "rules"
    __table_args__ = ({"schema": SCHEMA},)

    name: Mapped[str] = mapped_column(String, primary_key=True)
    document: Mapped[Json] = mapped_column(JSONB)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(String, server_default="")


class StateRow(Base):
    """The state of one rule in one scope between two observations."""

    __tablename__ = "states"
    __table_args__ = ({"schema": SCHEMA},)

    rule: Mapped[str] = mapped_column(String, primary_key=True)
    environment: Mapped[str] = mapped_column(String, primary_key=True)
    scope: Mapped[str] = mapped_column(String, primary_key=True)
    status: Mapped[str] = mapped_column(String)
    since: Mapped[datetime | None]
    recovering_since: Mapped[datetime | None] = mapped_column("well_since")
    notified_at: Mapped[datetime | None]
    value: Mapped[float | None] = mapped_column(Float)
    is_stale: Mapped[bool] = mapped_column(Boolean)
    alert_id: Mapped[str | None] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)


class LastEvaluationRow(Base):
    """One row: the snapshot that the rules were last evaluated on; locked by the evaluator until it commits."""

    __tablename__ = "last_evaluation"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    as_of: Mapped[datetime]


class AlertRow(Base):
    """One alert, from when it fired; resolved alerts are kept."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_status_fired_at", "status", "fired_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[str] = mapped_column(String, primary_key=True)
    rule: Mapped[str] = mapped_column(String)
    environment: Mapped[str] = mapped_column(String)
    scope: Mapped[str] = mapped_column(String)
    severity: Mapped[str] = mapped_column(String)
    status: Mapped[str] = mapped_column(String)
    summary: Mapped[str] = mapped_column(Text)
    metric: Mapped[str] = mapped_column(String)
    threshold: Mapped[float] = mapped_column(Float)
    value: Mapped[float | None] = mapped_column(Float)
    fired_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String)
    acknowledged_note: Mapped[str] = mapped_column(String, server_default="")


class TransitionRow(Base):
    """One step in an alert's history, with its reason; rows are never changed."""

    __tablename__ = "transitions"
    __table_args__ = (Index("ix_transitions_alert_id", "alert_id"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    alert_id: Mapped[str] = mapped_column(ForeignKey(f"{SCHEMA}.alerts.id"))
    kind: Mapped[str] = mapped_column(String)
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    value: Mapped[float | None] = mapped_column(Float)
    reason: Mapped[str] = mapped_column(Text)


class NotificationRow(Base):
    """One message for one channel: waiting, delivered, dead or suppressed."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_status_next_at", "status", "next_at"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(String, unique=True)
    alert_id: Mapped[str] = mapped_column(String)
    channel: Mapped[str] = mapped_column(String)
    body: Mapped[Json] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(String)
    attempts: Mapped[int] = mapped_column(Integer)
    next_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """One attempt to deliver a message, and its result; it never contains a secret."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_outbox_id", "outbox_id"), {"schema": SCHEMA})

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey(f"{SCHEMA}.outbox.id"))
    at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String)
    status_code: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Float)


class SilenceRow(Base):
    """A time in which the notifications of a rule are suppressed."""

    __tablename__ = "silences"
    __table_args__ = ({"schema": SCHEMA},)

    id: Mapped[str] = mapped_column(String, primary_key=True)
    rule: Mapped[str] = mapped_column(String)
    scope: Mapped[str | None] = mapped_column(String)
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(String)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String, server_default="")
