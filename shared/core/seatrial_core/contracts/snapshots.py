"""Figures of the metrics service at one instant, for the alerts service and the console."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from seatrial_core.contracts.events import Environment


class SnapshotItem(BaseModel):
    """The figures of one scope; `account` and `strategy` null mean the whole portfolio of the environment.

    A figure that cannot be known is null in `values` and has its reason in `undefined`.
    """

    model_config = ConfigDict(frozen=True)

    environment: Environment
    account: str | None = None
    strategy: str | None = None
    endpoint: str | None = None
    engine: str | None = None
    occurred_at: AwareDatetime
    values: dict[str, float | None]
    undefined: dict[str, str] = {}


class EngineStatus(BaseModel):
    """One engine: when it sent something last, on its own clock; null is unknown."""

    model_config = ConfigDict(frozen=True)

    environment: Environment
    engine: str
    last_occurred_at: AwareDatetime
    last_event_age_seconds: float
    heartbeat_at: AwareDatetime | None = None
    heartbeat_age_seconds: float | None = None
    in_service: bool  # false when it has sent nothing for seven days: no rule watches it any more


class Engines(BaseModel):
    """Every engine that has sent an event."""

    model_config = ConfigDict(frozen=True)

    as_of: AwareDatetime
    items: list[EngineStatus]


class Snapshot(BaseModel):
    """All scopes at one ledger sequence, read in one transaction."""

    model_config = ConfigDict(frozen=True)

    as_of: AwareDatetime
    sequence: int
    items: list[SnapshotItem]


class Performance(BaseModel):
    """The figures of one portfolio; undefined ones are null with a reason."""

    model_config = ConfigDict(frozen=True)

    environment: list[Environment]
    as_of: AwareDatetime
    sequence: int
    currency: str = "USD"  # of every amount in `metrics`
    unconverted: dict[str, float] = {}  # equity by currency that no rate converts
    restating_since: AwareDatetime | None = None  # late events are still being worked into the past
    metrics: dict[str, Any]  # numbers, null where undefined
    undefined: dict[str, str] = {}
    accounts: list[dict[str, Any]] = []  # one row an account, the same figures
