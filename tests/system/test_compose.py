"""The whole stack in containers does what the demo does, and loses nothing when its database is killed."""

import json
import re
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from tests.support.waiting import wait_until
from tests.system.compose_stack import ROOT, Compose, docker, running, why_not

from seatrial.stack.demo import bars, comparison, steps
from seatrial_core.catalog import GUIDE_METRICS
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.alerts import Alert
from seatrial_core.contracts.events import EventsAccepted
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.stress import RunState
from seatrial_core.errors import SeatrialError
from seatrial_core.json_types import Json
from seatrial_stress.checks.verdict import EXIT_CODES

pytestmark = [pytest.mark.system, pytest.mark.serial, pytest.mark.slow]

VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
OURS = ("metrics", "alerts", "backtest", "engine", "stress")
_SERVICE = {"seatrial-core", "seatrial-service"}
DISTRIBUTIONS = {
    "metrics": {*_SERVICE, "seatrial-metrics"},
    "alerts": {*_SERVICE, "seatrial-alerts"},
    "stress": {*_SERVICE, "seatrial-stress"},
    "engine": {*_SERVICE, "seatrial-trading", "seatrial-engine"},
    "backtest": {*_SERVICE, "seatrial-trading", "seatrial-backtesting", "seatrial-backtest"},
}
VERDICTS = {verdict.value: code for verdict, code in EXIT_CODES.items()}
BATCH = 20
SECONDS_BEFORE, SECONDS_AWAY, SECONDS_AFTER = 2.0, 3.0, 3.0


class StressHealth(BaseModel):
    """The idle workers in the stress service's health detail."""

    idle_workers: list[str]


def say(text: str) -> None:
    """Write to the terminal also when pytest captures."""
    sys.__stderr__.write(f"compose: {text}\n")  # type: ignore[union-attr]
    sys.__stderr__.flush()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """The whole stack, up and healthy."""
    missing = why_not()
    if missing:
        say(f"skipped: {missing}")
        pytest.skip(missing)
    began = time.monotonic()
    with running(tmp_path_factory.mktemp("compose"), say) as stack:
        say(f"healthy {time.monotonic() - began:.0f} s after the first build step")
        yield stack


def equity_events(prefix: str, first: int, amounts: list[float]) -> list[dict[str, Any]]:
    """Return events of one account: its opening and equity afterwards."""
    now = SystemClock().now().isoformat()
    common = {"occurred_at": now, "account": prefix, "strategy": "s", "symbol": "X", "environment": "paper"}
    return [
        {**common, "id": f"{prefix}-{first + number}", "type": "equity", "equity": str(amount)}
        for number, amount in enumerate(amounts)
    ]


def test_pushed_events_are_on_the_page_and_raise_an_alert(compose: Compose) -> None:
    account = {"id": "fall-0", "type": "account", "opening_balance": "10000", "currency": "USD"}
    when = {"occurred_at": SystemClock().now().isoformat(), "account": "fall", "environment": "paper"}

    with compose.client("metrics") as metrics, compose.client("alerts") as alerts:
        events = [{**account, **when}, *equity_events("fall", 1, [10_000.0, 8_500.0])]
        response = metrics.post("/v1/events", events, headers={"Seatrial-Batch": "fall/1"})
        page = metrics.text("/metrics")
        wait_until(lambda: any(a.rule == "max_drawdown" for a in alerts.fetch("/v1/alerts", Page[Alert]).items), 60)

    assert EventsAccepted.model_validate(response).accepted == 3
    assert all(f"# HELP {metric.name} " in page for metric in GUIDE_METRICS)
    assert "max_drawdown_percent 15.0" in page
    say("3 events pushed, drawdown 15 % on /metrics, alert max_drawdown raised")


def test_the_demo_trades_the_same_in_engine_and_backtest(compose: Compose) -> None:
    symbols = bars.load()[:2]
    stop_event = threading.Event()

    with compose.client("engine") as engine, compose.client("backtest") as service, compose.client("metrics") as page:
        steps.start_replay(engine, symbols)
        replay = steps.follow_replay(engine, lambda _: None, stop_event)
        traded = steps.engine_trades(engine)
        tested = {
            bars_of_symbol.symbol: steps.backtest(service, bars_of_symbol, lambda _: None, stop_event)
            for bars_of_symbol in symbols
        }
        executions = steps.sample_page(page)["trades_total"]

    assert replay.status == "finished"
    for bars_of_symbol in symbols:
        assert traded[bars_of_symbol.symbol]
        assert comparison.first_difference(traded[bars_of_symbol.symbol], tested[bars_of_symbol.symbol]) is None
    assert executions == 2 * sum(map(len, traded.values()))
    say(f"replay of {len(symbols)} symbols: {executions:.0f} executions, engine and backtest trade the same")


def locked(service: str) -> set[str]:
    """Return the names in a service's lock."""
    text = (ROOT / "services" / service / "requirements.txt").read_text(encoding="utf-8")
    return {re.sub(r"[._]", "-", name.lower()) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def test_containers_hold_little_and_may_little(compose: Compose) -> None:
    for service in sorted(set(OURS) & set(compose.services)):
        user = compose.inside(service, "id", "-u").strip()
        root = compose.inside(service, "sh", "-c", "touch /etc/x 2>&1 || true")
        listing = "from importlib.metadata import distributions as d;print(*sorted(x.name.lower() for x in d()))"
        installed = {re.sub(r"[._]", "-", name) for name in compose.inside(service, "python", "-c", listing).split()}
        facts = compose.inspect(service)["HostConfig"]
        find = "find / -xdev -perm /6000 -type f; ls /usr/local/bin /opt/seatrial/bin"
        programs = set(compose.inside(service, "sh", "-c", find).split())

        assert user == "10001"
        assert not {path for path in programs if path.startswith("/") and not path.endswith(":")}, "changes its user"
        assert not programs & {"pip", "pip3", "gcc", "cc", "make", "easy_install"}
        assert "Read-only" in root
        assert facts["CapDrop"] == ["ALL"]
        assert facts["Memory"] > 0
        assert installed <= locked(service) | DISTRIBUTIONS[service]
        assert ("numba" in installed) == (service in {"engine", "backtest"})
        assert ("locust" in installed) == (service == "stress")
        say(f"{service}: uid 10001, read-only, no capabilities, {len(installed)} distributions")


def test_a_container_has_no_secret_of_another_service(compose: Compose) -> None:
    secrets = {
        name: value
        for name, value in compose.environment.items()
        if name.endswith(("_TOKEN", "_SECRET", "_PASSWORD")) and len(value) == 48
    }
    for service in sorted(set(OURS) & set(compose.services)):
        layers = docker("history", "--no-trunc", f"seatrial/{service}:{VERSION}")
        assert not [name for name, value in secrets.items() if value in layers], service
        values = compose.inside(service, "env")
        assert secrets["GRAFANA_PASSWORD"] not in values, service
        assert (secrets["SEATRIAL_ENGINE_WEBHOOK_SECRET"] in values) == (service == "engine")
        assert (secrets["ALERT_WEBHOOK_SECRET"] in values) == (service == "alerts")
    say("no container and no layer has a secret of another service")


def test_the_database_is_reached_only_by_what_has_tables(compose: Compose) -> None:
    attempt = "promtool query instant http://postgres:5432 'vector(1)' 2>&1 || true"
    look_up = "import socket; socket.create_connection(('postgres', 5432), 3)"

    compose.inside("metrics", "python", "-c", look_up)
    outside = compose.inside("prometheus", "sh", "-c", attempt)

    assert "no such host" in outside or "server misbehaving" in outside, outside
    say("prometheus cannot resolve postgres, metrics can connect")


def test_prometheus_reaches_every_service(compose: Compose) -> None:
    def answers() -> dict[str, str]:
        with urllib.request.urlopen(f"{compose.prometheus_url}/api/v1/targets", timeout=5) as response:
            targets = json.load(response)["data"]["activeTargets"]
        return {f"{t['labels']['service']} {t['labels']['job']}": t["health"] for t in targets}

    wait_until(lambda: set(answers().values()) == {"up"}, 60, describe=answers)
    query = urllib.parse.quote("sum(trades_total)")
    wait_until(
        lambda: bool(
            json.load(urllib.request.urlopen(f"{compose.prometheus_url}/api/v1/query?query={query}"))["data"]["result"]
        )
    )
    say(f"prometheus reaches {', '.join(sorted(answers()))}")


def test_locusts_page_requires_a_login(compose: Compose) -> None:
    url = f"http://127.0.0.1:{compose.environment['SEATRIAL_STRESS_UI_PORT']}/"
    token = {"Authorization": f"Bearer {compose.environment['SEATRIAL_TOKEN']}"}

    stranger = httpx.get(url, timeout=10)
    signed_in = httpx.get(url, headers=token, timeout=10)

    assert (stranger.status_code, signed_in.status_code) == (401, 200)
    assert "Locust" in signed_in.text
    say("Locust's page answers behind the login")


def test_a_stress_run_ends_with_its_verdict_as_exit_code(compose: Compose) -> None:
    short = replace(compose, environment={**compose.environment, "SEATRIAL_STRESS_DURATION": "8"})

    code, text = short.ends_with("--profile", "load", "run", "--rm", "-T", "stress-run")

    verdicts = [line for line in text.splitlines() if line.split(" ", 1)[0] in VERDICTS]
    assert len(verdicts) == 1, text
    assert VERDICTS[verdicts[0].split(" ", 1)[0]] == code, text
    assert " ledger: " in text  # the books were really looked at
    bad = [line.strip() for line in text.splitlines() if line.startswith("  ") and not line.startswith("  PASS")]
    say(" | ".join([f"stress run ended with {code}: {verdicts[0]}", *bad]))


def test_two_load_workers_in_containers_of_their_own_send_a_run(compose: Compose) -> None:
    asked = {"SEATRIAL_STRESS_DURATION": "8", "SEATRIAL_STRESS_WORKERS": "2"}
    short = replace(compose, environment={**compose.environment, **asked})
    workers = ("--scale", "stress-worker=2", "stress-worker")
    short.run("--profile", "load", "up", "--detach", "--no-build", "--no-recreate", *workers)

    with compose.client("stress") as stress:
        wait_until(lambda: len(stress.fetch("/health/detail", StressHealth).idle_workers) == 2, 60)
        code, text = short.ends_with("--profile", "load", "run", "--rm", "-T", "stress-run")
        report = stress.fetch("/v1/runs", Page[RunState]).items[0].report
    logs = short.run("--profile", "load", "logs", "--no-color", "stress-worker")
    short.run("--profile", "load", "rm", "--stop", "--force", "stress-worker")

    verdicts = [line for line in text.splitlines() if line.split(" ", 1)[0] in VERDICTS]
    assert VERDICTS[verdicts[0].split(" ", 1)[0]] == code, text
    assert "2 of 2 workers finished" in text, text
    assert report is not None
    assert report.counts["scheduled"] == report.counts["sent"]
    assert logs.count("stress_worker_done") == 2, logs
    say(f"two load workers in containers of their own: {verdicts[0]}")


class Load:
    """Pushes batches without end and remembers which were acknowledged."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push, name="load")
        self.acknowledged: list[str] = []
        self.failed = 0

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _push(self) -> None:
        with self._compose.client("metrics") as metrics:
            number = 0
            while not self._stop.is_set():
                events = equity_events("load", number * BATCH, [10_000.0] * BATCH)
                try:
                    metrics.post("/v1/events", events, headers={"Seatrial-Batch": f"load/{number}"})
                except SeatrialError:
                    self.failed += 1
                    self._stop.wait(0.1)
                    continue  # not acknowledged: the same batch goes again
                self.acknowledged.extend(event["id"] for event in events)
                number += 1


def test_a_killed_database_loses_no_acknowledged_event(compose: Compose) -> None:
    postgres = compose.container("postgres")

    with Load(compose) as load:
        time_passes(SECONDS_BEFORE)
        docker("kill", "--signal", "KILL", postgres)
        time_passes(SECONDS_AWAY)
        docker("start", postgres)
        before = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > before + 5 * BATCH, 60)
        time_passes(SECONDS_AFTER)
    stored = _stored(compose, "load")

    assert load.failed > 0
    assert sorted(stored) == sorted(set(stored)), "an event is there twice"
    assert set(load.acknowledged) <= set(stored)
    wait_until(lambda: _health(compose) == {"healthy"}, 60, describe=lambda: _health(compose))
    say(
        f"postgres killed under load: {len(load.acknowledged)} events acknowledged, all there once; "
        f"{load.failed} pushes refused meanwhile"
    )


def test_a_stopped_service_drains_and_ends_with_zero(compose: Compose) -> None:
    for service in sorted(set(OURS) & set(compose.services)):
        compose.run("stop", service)

        state = compose.inspect(service)["State"]

        assert (state["ExitCode"], state["OOMKilled"]) == (0, False), service
    say("every service ends with exit code 0 on SIGTERM")


def time_passes(seconds: float) -> None:
    """Let the load go on for a while."""
    threading.Event().wait(seconds)


def _stored(compose: Compose, account: str) -> list[str]:
    event_ids: list[str] = []
    cursor = None
    with compose.client("metrics") as metrics:
        while True:
            page = metrics.fetch("/v1/events", Page[Json], account=account, type="equity", limit=1000, cursor=cursor)
            event_ids.extend(item["id"] for item in page.items)
            cursor = page.next_cursor
            if cursor is None:
                return event_ids


def _health(compose: Compose) -> set[str]:
    running_now = [service for service in OURS if service in compose.services]
    return {compose.inspect(service)["State"]["Health"]["Status"] for service in running_now}
