"""The steps of the demo; each is a call to one service over HTTP."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from seatrial.stack.demo.bars import SymbolBars
from seatrial.stack.errors import StackError
from seatrial_core.catalog import GUIDE_METRICS
from seatrial_core.clients import ServiceClient
from seatrial_core.errors import NotFound, SeatrialError, Unavailable

STRATEGY = "rsi_bollinger"
CASH = "10000"
FEE = 0.001
REPLAY_ID = "demo"
STRESS_PLAN = {
    "name": "demo",
    "users": "api_failure",
    "description": "Orders whose exchange calls fail in seeded ways; some are sent twice.",
    "rate_per_second": 20,
    "duration_seconds": 20,
    "repeat_ratio": 0.1,
    "faults": {"connect_refused": 0.05, "timeout_executed": 0.05, "server_error_executed": 0.05, "nan_body": 0.05},
    "slos": [{"quantile": 0.95, "seconds": 2.0}, {"quantile": 0.99, "seconds": 4.0}],
    "seed": 7,
}
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 240.0

Progress = Callable[[Mapping[str, Any]], None]  # Any: JSON
T = TypeVar("T")
Json = dict[str, Any]  # Any: JSON


def account_of(symbol: str) -> str:
    """Return the name of a symbol's demo account."""
    return f"demo-{symbol}"


def start_replay(engine: ServiceClient, symbols: list[SymbolBars]) -> None:
    """Start a replay of every symbol in the engine, one account per symbol."""
    accounts = [
        {
            "account": account_of(bars.symbol),
            "symbol": bars.symbol,
            "strategy": STRATEGY,
            "cash": CASH,
            "fee": FEE,
            "candles": dict(bars.columns),
        }
        for bars in symbols
    ]
    # Repeatable: the replay's id makes a second request the same replay.
    engine.post("/v1/replays", {"id": REPLAY_ID, "accounts": accounts}, repeatable=True)


def follow_replay(engine: ServiceClient, report: Progress, stop_event: threading.Event) -> Json:
    """Wait until the replay has finished and every event is acknowledged; tolerates a restart of the engine."""

    def look() -> Json | None:
        state: Json = engine.get(f"/v1/replays/{REPLAY_ID}")
        report(state)
        if state["status"] == "failed":
            raise StackError(f"The engine's replay failed: {state.get('error')}. See `seatrial logs engine`.")
        return state if state["status"] == "finished" and not state["events_pending"] else None

    return _wait("the replay to finish", look, stop_event)


def engine_trades(engine: ServiceClient) -> dict[str, list[Json]]:
    """Return the engine's closed trades by symbol."""
    return {account["symbol"]: account["trades"] for account in engine.get(f"/v1/replays/{REPLAY_ID}/trades")}


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


def performance(metrics: ServiceClient) -> Json:
    """Return the portfolio's figures."""
    answer: Json = metrics.get("/v1/performance", environment="replay")
    return answer


def firing_rules(alerts: ServiceClient, expected: set[str], stop_event: threading.Event) -> list[str]:
    """Return the rules that have an alert in the alerts table, waiting for the expected ones."""
    rules: set[str] = set()

    def look() -> list[str] | None:
        rules.update(str(item["rule"]) for item in alerts.get("/v1/alerts", limit=500)["items"])
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
) -> Json:
    """Run the same strategy on the same bars as a job of the backtest service and return its result."""
    dataset = service.post("/v1/datasets", {"symbol": bars.symbol, "candles": dict(bars.columns)}, repeatable=True)
    request = {"dataset": dataset["id"], "strategy": STRATEGY, "cash": CASH, "fee": FEE}
    job = service.post("/v1/backtests", request, repeatable=True)

    def look() -> Json | None:
        state: Json = service.get(f"/v1/backtests/{job['id']}")
        report(float(state["progress_ratio"]))
        if state["status"] in {"failed", "cancelled"}:
            raise StackError(f"The backtest of {bars.symbol} {state['status']}: {state.get('error')}.")
        return state if state["status"] == "succeeded" else None

    _wait(f"the backtest of {bars.symbol}", look, stop_event)
    result: Json = service.get(f"/v1/backtests/{job['id']}/result")
    return result


def stress(service: ServiceClient, report: Callable[[float], None], stop_event: threading.Event) -> Json:
    """Load the engine with Locust for twenty seconds and return the run with its verdict and every check."""
    run: Json = service.post("/v1/runs", {"plan": STRESS_PLAN})

    def look() -> Json | None:
        state: Json = service.get(f"/v1/runs/{run['id']}")
        report(float(state["progress_ratio"]))
        return state if state["status"] != "running" else None

    return _wait("the stress run", look, stop_event)


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
