"""Requests and results of backtests on the wire."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from seatrial_core.contracts.numbers import Finite, Integer, Money
from seatrial_core.contracts.text import JsonDocument, Symbol, TextRule

StrategyName = Annotated[str, TextRule(1, 64, pattern=r"^[a-z][a-z0-9_]{0,63}$")]
DatasetId = Annotated[str, TextRule(64, 64)]
SizeText = Annotated[str, TextRule(max_length=100)]
ParamName = Annotated[str, TextRule(1, 64)]
ParamValue = Finite | Integer | bool | Annotated[str, TextRule(max_length=200)]
Params = Annotated[dict[ParamName, ParamValue], Field(max_length=64)]
# Three years of minutes and more; a body of the greatest size holds fewer.
MAX_BARS = 2_000_000
COLUMN_LENGTH = Field(max_length=MAX_BARS)
# A bar longer than a year, or opened outside the years 1800 to 2199, is a mistake in the unit of time.
MAX_INTERVAL_MS = 366 * 86_400_000
EpochMs = Annotated[int, Field(ge=-5_364_662_400_000, lt=7_258_118_400_000)]
IntervalMs = Annotated[int, Field(gt=0, le=MAX_INTERVAL_MS)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


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

    time: Annotated[list[EpochMs], COLUMN_LENGTH]
    open: Annotated[list[float], COLUMN_LENGTH]
    high: Annotated[list[float], COLUMN_LENGTH]
    low: Annotated[list[float], COLUMN_LENGTH]
    close: Annotated[list[float], COLUMN_LENGTH]
    volume: Annotated[list[float], COLUMN_LENGTH] = []


class DatasetUpload(BaseModel):
    """Bars of one symbol to store; uploading the same bars twice gives one dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Symbol
    interval_ms: IntervalMs | None = None
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

    dataset: DatasetId
    finer_dataset: DatasetId | None = None  # for intrabar `magnify`
    strategy: StrategyName | None = None
    rules: JsonDocument | None = None  # a rule document, validated by the rule language
    params: Params = {}
    cash: Annotated[Money, Field(gt=0)] = Decimal(10_000)
    fee: Annotated[float, Field(ge=-0.01, le=0.1)] = 0.001
    maker_fee: Annotated[float, Field(ge=-0.01, le=0.1)] | None = None
    slippage_bps: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    size: SizeText = "equity:1.0"
    lot: NotNegative = 0.0
    tick: NotNegative = 0.0
    min_notional: NotNegative = 0.0
    allow_short: bool = False
    session: Literal["continuous", "auction"] = "continuous"
    intrabar: Literal["worst", "best", "nearest", "magnify"] = "worst"
    seed: Integer = 0


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
