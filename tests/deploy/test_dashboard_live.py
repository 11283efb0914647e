"""A real Prometheus scrapes the running services, and every panel of the dashboard has data."""

import json
import math
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.deploy.processes import prometheus, services
from tests.deploy.programs import need
from tests.deploy.test_observability import PROMETHEUS, dashboard, panels
from tests.support.waiting import wait_until

from seatrial_core.clients import ServiceClient
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.backtests import BacktestJob, BacktestRequest, CandleColumns, DatasetInfo, DatasetUpload
from seatrial_core.json_types import Json

pytestmark = pytest.mark.system

SERVICES = ("metrics", "alerts", "backtest", "engine", "stress")
RATE_WINDOW = "20s"
STRATEGY = "rsi_bollinger"
SCRAPE_SECONDS = 45.0
PUSH_EVERY_SECONDS = 0.25
BARS = 60


def configuration(folder: Path, ports: Mapping[str, int]) -> Path:
    """Write the committed configuration with this test's ports and a scrape each second; return its file."""
    text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8").replace("15s", "1s").replace("10s", "1s")
    document = yaml.safe_load(text)
    for job in document["scrape_configs"]:
        for static in job["static_configs"]:
            static["targets"] = [f"127.0.0.1:{ports[static['labels']['service']]}"]
    rules = (PROMETHEUS / "rules.yml").read_text(encoding="utf-8").replace("interval: 15s", "interval: 1s")
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


def batch(number: int) -> list[Json]:
    """Return one event of every type, as a trading engine sends them."""
    common = {"occurred_at": SystemClock().now().isoformat(), "account": "board", "environment": "live"}
    trade = {"type": "trade", "strategy": STRATEGY, "symbol": "X", "quantity": "1", "price": "10"}
    events: list[Json] = [
        {**trade, "side": "BUY", "duration_seconds": 0.02},
        {**trade, "side": "SELL", "duration_seconds": 0.03, "pnl": str(number % 3 - 1), "holding_seconds": 90},
        {"type": "equity", "equity": str(9_000 + number % 50), "open_positions": 1, "risk_at_stop": "40"},
        {"type": "api_call", "endpoint": "orders", "seconds": 0.1},
        {"type": "error", "kind": "timeout"},
        {"type": "webhook", "status": "accepted"},
        {"type": "system", "cpu_percent": 12, "memory_percent": 34, "disk_percent": 56},
        {"type": "heartbeat"},
    ]
    return [{**common, **event, "id": f"board-{number}-{place}"} for place, event in enumerate(events)]


@contextmanager
def pushing(url: str) -> Iterator[None]:
    """Push batches until the block ends."""
    stop = threading.Event()
    opening = {"id": "board", "type": "account", "account": "board", "opening_balance": "10000"}

    def push() -> None:
        with ServiceClient("metrics", url=url, token="") as client:
            client.post("/v1/events", [{**opening, "occurred_at": SystemClock().now().isoformat()}])
            number = 0
            while not stop.wait(PUSH_EVERY_SECONDS):
                client.post("/v1/events", batch(number), headers={"Seatrial-Batch": f"board/{number}"})
                number += 1

    thread = threading.Thread(target=push, name="feed")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run_a_backtest(url: str) -> None:
    """Run one backtest job, so that the service has something to count."""
    day = 86_400_000
    columns: dict[str, list[float]] = {name: [10.0 + n % 7 for n in range(BARS)] for name in ("open", "close")}
    columns |= {
        "high": [20.0] * BARS,
        "low": [5.0] * BARS,
        "volume": [1.0] * BARS,
        "time": [n * day for n in range(BARS)],
    }
    with ServiceClient("backtest", url=url, token="") as client:
        upload = DatasetUpload(symbol="X", candles=CandleColumns.model_validate(columns))
        dataset = client.submit("/v1/datasets", upload, DatasetInfo)
        client.submit("/v1/backtests", BacktestRequest(dataset=dataset.id, strategy=STRATEGY), BacktestJob)


def ask(url: str, expression: str) -> list[float]:
    """Return the values of a query's series now."""
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=10) as answer:
        return [float(series["value"][1]) for series in json.load(answer)["data"]["result"]]


def has_numbers(url: str, expression: str) -> bool:
    """Return whether a query has at least one finite value; series without traffic may be NaN."""
    return any(math.isfinite(value) for value in ask(url, expression))


def test_every_panel_has_data_of_the_running_services(tmp_path: Path, database_url: str) -> None:
    program = need("prometheus", package="prometheus")
    asked = {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", RATE_WINDOW)
        .replace("$strategy", ".*")
        .replace("$environment", ".*")
        for panel in panels(dashboard())
        for target in panel["targets"]
    }
    asked["the rule breached by the pushed errors"] = 'ALERTS{alertstate="firing", alertname="error_rate_max"}'

    with services(SERVICES, database_url, tmp_path) as ports, pushing(f"http://127.0.0.1:{ports['metrics']}"):
        run_a_backtest(f"http://127.0.0.1:{ports['backtest']}")
        with prometheus(program, configuration(tmp_path, ports), tmp_path) as url:
            without_data = dict(asked)

            def all_have_numbers() -> bool:
                for key, expression in list(without_data.items()):
                    if has_numbers(url, expression):
                        del without_data[key]
                return not without_data

            wait_until(all_have_numbers, SCRAPE_SECONDS, describe=lambda: without_data)
