"""Requests and results of backtests on the wire."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

StrategyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class JobStatus(StrEnum):
    """The status of a backtest job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CandleColumns(BaseModel):
    """Bars as columns; `time` is the bar's open in epoch milliseconds UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float] = []


class DatasetUpload(BaseModel):
    """Bars of one symbol to store; uploading the same bars twice gives one dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Annotated[str, Field(min_length=1, max_length=64)]
    interval_ms: Annotated[int, Field(gt=0)] | None = None
    candles: CandleColumns


class DatasetInfo(BaseModel):
    """A stored dataset; `id` is the SHA-256 of its content."""

    model_config = ConfigDict(frozen=True)

    id: str
    symbol: str
    bars: int
    interval_ms: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    data_quality: dict[str, Any] = {}  # gaps and counts, as the loader found them


class BacktestRequest(BaseModel):
    """One backtest: a registered strategy or a rule document on a stored dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Annotated[str, Field(min_length=64, max_length=64)]
    finer_dataset: Annotated[str, Field(min_length=64, max_length=64)] | None = None  # for intrabar `magnify`
    strategy: StrategyName | None = None
    rules: dict[str, Any] | None = None  # a rule document, validated by the rule language
    params: dict[str, float | int | bool | str] = {}
    cash: Annotated[Decimal, Field(gt=0)] = Decimal(10_000)
    fee: Annotated[float, Field(ge=-0.01, le=0.1)] = 0.001
    maker_fee: Annotated[float, Field(ge=-0.01, le=0.1)] | None = None
    slippage_bps: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    size: str = "equity:1.0"
    lot: Annotated[float, Field(ge=0)] = 0.0
    tick: Annotated[float, Field(ge=0)] = 0.0
    min_notional: Annotated[float, Field(ge=0)] = 0.0
    allow_short: bool = False
    session: Literal["continuous", "auction"] = "continuous"
    intrabar: Literal["worst", "best", "nearest", "magnify"] = "worst"
    seed: int = 0


class BacktestJob(BaseModel):
    """A job and its progress (0 to 1)."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: JobStatus
    progress_ratio: float = 0.0
    request: BacktestRequest
    error: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    attempts: int = 0
