"""The steps of the demo; each is a call to one service over HTTP."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel

from seatrial.stack.demo.bars import SymbolBars
from seatrial.stack.errors import StackError
from seatrial_core.catalog import GUIDE_METRICS
from seatrial_core.clients import ServiceClient
from seatrial_core.contracts.alerts import Alert
from seatrial_core.contracts.backtests import (
    BacktestJob,
    BacktestRequest,
    CandleColumns,
    DatasetInfo,
    DatasetUpload,
    JobStatus,
)
from seatrial_core.contracts.orders import ReplayAccountRequest, ReplayRequest, ReplayState, ReplayTrades
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.snapshots import Performance
from seatrial_core.contracts.stress import RunRequest, RunState, Slo, StressPlan
from seatrial_core.errors import NotFound, SeatrialError, Unavailable
from seatrial_core.json_types import Json

STRATEGY = "rsi_bollinger"
CASH = Decimal(10_000)
FEE = 0.001
REPLAY_ID = "demo"
STRESS_PLAN = StressPlan(
    name="demo",
    users="api_failure",
    description="Orders whose exchange calls fail in seeded ways; some are sent twice.",
    rate_per_second=20,
    duration_seconds=20,
    repeat_ratio=0.1,
    faults={"connect_refused": 0.05, "timeout_executed": 0.05, "server_error_executed": 0.05, "nan_body": 0.05},
    slos=(Slo(quantile=0.95, seconds=2.0), Slo(quantile=0.99, seconds=4.0)),
    seed=7,
)
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 240.0

Progress = Callable[[ReplayState], None]
T = TypeVar("T")


class BacktestTrades(BaseModel):
    """The trades of a backtest's result."""

    trades: list[Json]


def account_of(symbol: str) -> str:
    """Return the name of a symbol's demo account."""
    return f"demo-{symbol}"


def start_replay(engine: ServiceClient, symbols: list[SymbolBars]) -> None:
    """Start a replay of every symbol in the engine, one account per symbol."""
    accounts = [
        ReplayAccountRequest(
            account=account_of(bars.symbol),
            symbol=bars.symbol,
            strategy=STRATEGY,
            cash=CASH,
            fee=FEE,
            candles=_columns(bars),
        )
        for bars in symbols
    ]
    # Repeatable: the replay's id makes a second request the same replay.
    request = ReplayRequest(id=REPLAY_ID, accounts=accounts)
    engine.submit("/v1/replays", request, ReplayState, repeatable=True)


def follow_replay(engine: ServiceClient, report: Progress, stop_event: threading.Event) -> ReplayState:
    """Wait until the replay has finished and every event is acknowledged; tolerates a restart of the engine."""

    def look() -> ReplayState | None:
        state = engine.fetch(f"/v1/replays/{REPLAY_ID}", ReplayState)
        report(state)
        if state.status == "failed":
            raise StackError(f"The engine's replay failed: {state.error}. See `seatrial logs engine`.")
        return state if state.status == "finished" and not state.events_pending else None

    return _wait("the replay to finish", look, stop_event)


def engine_trades(engine: ServiceClient) -> dict[str, list[Json]]:
    """Return the engine's closed trades by symbol."""
    accounts = engine.fetch_list(f"/v1/replays/{REPLAY_ID}/trades", ReplayTrades)
    return {account.symbol: account.trades for account in accounts}


def sample_page(metrics: ServiceClient) -> dict[str, float]:
    """Return the guide's metrics as the page shows them: name to value, labelled families summed."""
    names = {metric.name for metric in GUIDE_METRICS}
    values: dict[str, float] = {}
    for line in metrics.text("/metrics").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        series, _, value = line.rpartition(" ")
        family = series.split("{", 1)[0].removesuffix("_count")
        if family in names:
            values[family] = values.get(family, 0.0) + float(value)
    return values


def performance(metrics: ServiceClient) -> Performance:
    """Return the portfolio's figures."""
    return metrics.fetch("/v1/performance", Performance, environment="replay")


def firing_rules(alerts: ServiceClient, expected: set[str], stop_event: threading.Event) -> list[str]:
    """Return the rules that have an alert in the alerts table, waiting for the expected ones."""
    rules: set[str] = set()

    def look() -> list[str] | None:
        rules.update(alert.rule for alert in alerts.fetch("/v1/alerts", Page[Alert], limit=500).items)
        return sorted(rules) if expected <= rules else None

    try:
        return _wait("the alerts", look, stop_event, patience_seconds=30.0)
    except StackError:
        return sorted(rules)


def wait_until_delivered(
    is_delivered: Callable[[], bool], stop_event: threading.Event, patience_seconds: float = 30.0
) -> bool:
    """Wait until the expected notifications have been delivered; return whether they have."""
    deadline = time.monotonic() + patience_seconds
    while not is_delivered():
        if time.monotonic() > deadline or stop_event.wait(0.1):
            return False
    return True


def backtest(
    service: ServiceClient, bars: SymbolBars, report: Callable[[float], None], stop_event: threading.Event
) -> list[Json]:
    """Run the same strategy on the same bars as a job of the backtest service and return its trades."""
    upload = DatasetUpload(symbol=bars.symbol, candles=_columns(bars))
    dataset = service.submit("/v1/datasets", upload, DatasetInfo, repeatable=True)
    request = BacktestRequest(dataset=dataset.id, strategy=STRATEGY, cash=CASH, fee=FEE)
    job = service.submit("/v1/backtests", request, BacktestJob, repeatable=True)

    def look() -> BacktestJob | None:
        state = service.fetch(f"/v1/backtests/{job.id}", BacktestJob)
        report(state.progress_ratio)
        if state.status in {JobStatus.FAILED, JobStatus.CANCELLED}:
            raise StackError(f"The backtest of {bars.symbol} {state.status}: {state.error}.")
        return state if state.status is JobStatus.SUCCEEDED else None

    _wait(f"the backtest of {bars.symbol}", look, stop_event)
    return service.fetch(f"/v1/backtests/{job.id}/result", BacktestTrades).trades


def stress(service: ServiceClient, report: Callable[[float], None], stop_event: threading.Event) -> RunState:
    """Load the engine with Locust for twenty seconds and return the run with its verdict and every check."""
    run = service.submit("/v1/runs", RunRequest(plan=STRESS_PLAN), RunState)

    def look() -> RunState | None:
        state = service.fetch(f"/v1/runs/{run.id}", RunState)
        report(state.progress_ratio)
        return state if state.status != "running" else None

    return _wait("the stress run", look, stop_event)


def _columns(bars: SymbolBars) -> CandleColumns:
    return CandleColumns.model_validate(dict(bars.columns))


def _wait(
    what: str,
    look: Callable[[], T | None],
    stop_event: threading.Event,
    patience_seconds: float = PATIENCE_SECONDS,
) -> T:
    deadline = time.monotonic() + patience_seconds
    trouble: SeatrialError | None = None
    while time.monotonic() < deadline:
        try:
            result = look()
        except (Unavailable, NotFound) as error:  # a service that was killed is started again by the supervisor
            trouble = error
            result = None
        if result is not None:
            return result
        if stop_event.wait(POLL_SECONDS):
            raise StackError(f"The stack was stopped during the wait for {what}.")
    raise StackError(f"Waited {patience_seconds:.0f} s for {what}; gave up. {trouble or ''}".strip())
