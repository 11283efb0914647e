"""Messages of the stress service's API: plans, checks, verdicts and runs."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from seatrial_core.contracts.numbers import Integer
from seatrial_core.contracts.text import Prose, Symbol, TextRule

PlanName = Literal["high_frequency", "memory_under_load", "concurrent_trades", "api_failure"]
Operation = Literal["signal", "check"]
# Faults that the engine's simulated exchange injects, named in the header Seatrial-Fault.
FaultName = Literal[
    "connect_refused",
    "server_error",
    "rate_limited",
    "timeout",
    "timeout_executed",
    "server_error_executed",
    "nan_body",
]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = float | int | str | None


class Verdict(StrEnum):
    """The result of a run; only PASS is a success."""

    PASS = "PASS"
    FAIL = "FAIL"
    CONSISTENCY_VIOLATION = "CONSISTENCY_VIOLATION"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class CheckState(StrEnum):
    """The result of a check; UNKNOWN means that the data it needs was missing."""

    PASS = "PASS"
    FAIL = "FAIL"
    VIOLATION = "VIOLATION"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNKNOWN = "UNKNOWN"
    INVALID = "INVALID"


class StressCheck(BaseModel):
    """One check: its state, a sentence in `said`, and the numbers behind it."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["generator", "slo", "ledger", "faults", "memory"]
    state: CheckState
    said: str
    values: dict[str, Number] = {}


class Slo(BaseModel):
    """At least a share `quantile` of an operation's requests succeeds within `seconds` of the intended time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: Operation = "signal"
    quantile: Annotated[float, Field(gt=0, lt=1)]
    seconds: Annotated[float, Field(gt=0, le=600)]


class StressPlan(BaseModel):
    """Load, injected faults and limits of a run.

    The load is open-loop: requests arrive at the rate whether or not earlier ones are answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, TextRule(1, 64, pattern=r"^[a-z0-9_]+$")]
    users: PlanName = "high_frequency"
    description: Prose = ""
    rate_per_second: Annotated[float, Field(gt=0, le=2_000)]
    duration_seconds: Annotated[float, Field(gt=0, le=3_600)] = 20.0
    warm_up_seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    burst_size: Annotated[int, Field(ge=1, le=500)] = 1
    mix: dict[Operation, Annotated[float, Field(gt=0, le=1)]] = {"signal": 1.0}
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=1_000)] = (
        "BTCUSDT",
        "ETHUSDT",
    )
    repeat_ratio: Ratio = 0.0
    faults: dict[FaultName, Ratio] = {}
    slos: Annotated[tuple[Slo, ...], Field(min_length=1, max_length=100)]
    max_error_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.01
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    memory_mb_per_1000_orders: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    workers: Annotated[int, Field(ge=1, le=8)] = 1
    seed: Integer = 1

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if sum(self.faults.values()) > 1:
            raise ValueError(f"the ratios of all faults must add up to at most 1, were {sum(self.faults.values())}")
        missing = {slo.operation for slo in self.slos} - set(self.mix)
        if missing:
            raise ValueError(
                f"an SLO requires its operation in the mix: {', '.join(sorted(missing))} is not in the mix"
            )
        if self.warm_up_seconds >= self.duration_seconds:
            raise ValueError(
                f"warm_up_seconds ({self.warm_up_seconds}) must be shorter than duration_seconds "
                f"({self.duration_seconds})"
            )
        return self


class RunRequest(BaseModel):
    """A run to start: a built-in plan by name or a whole plan, against an allowed target."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: PlanName | StressPlan
    target: Annotated[str, TextRule(1, 2_000)] | None = None
    duration_seconds: Annotated[float, Field(gt=0, le=3_600)] | None = None
    rate_per_second: Annotated[float, Field(gt=0, le=2_000)] | None = None
    seed: Integer | None = None
    workers: Annotated[int, Field(ge=1, le=8)] | None = None


class Latency(BaseModel):
    """Quantiles in seconds; null if nothing was measured or the request was not answered."""

    model_config = ConfigDict(frozen=True)

    n: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


class StressReport(BaseModel):
    """The result of a run: its verdict and every check with its numbers."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = Field(1, serialization_alias="schema", validation_alias="schema")
    run: str
    verdict: Verdict
    exit_code: int
    plan: StressPlan
    target: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    counts: dict[str, int]
    response: Latency
    service: Latency
    lag: Latency
    checks: tuple[StressCheck, ...]

    def __str__(self) -> str:
        bad = [check.name for check in self.checks if check.state is not CheckState.PASS]
        p99 = "unknown" if self.response.p99 is None else f"{self.response.p99 * 1000:.0f} ms"
        text = f"{self.verdict} {self.plan.name}: {self.counts.get('scheduled', 0)} requests, p99 {p99}"
        return text + (f"; not passed: {', '.join(bad)}" if bad else "; every check passed")

    def __repr__(self) -> str:
        return str(self)


class RunState(BaseModel):
    """The state of a run."""

    model_config = ConfigDict(frozen=True)

    id: str
    plan: str
    target: str
    origin: Literal["api", "ui"]
    status: Literal["queued", "running", "finished", "cancelled", "failed"]
    progress_ratio: float
    verdict: Verdict | None = None
    error: str | None = None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    report: StressReport | None = None
