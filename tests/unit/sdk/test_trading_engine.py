"""The trading engine in the owner's process: signals, automatic trading, webhooks, and nothing left afterwards."""

import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.fake_ledger import FakeLedger, fake_ledger
from tests.support.ports import free_port, silent_listener
from tests.support.waiting import wait_until

from seatrial.config.trading_config import TradingConfig
from seatrial.engine.trading_engine import TradingEngine
from seatrial.engine.webhook_receiver import MAX_EVENTS_WITHOUT_ORDER
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial.testing.backtesting_engine import BacktestingEngine
from seatrial_core import catalog
from seatrial_core.clock import SystemClock
from seatrial_core.errors import SettingsError
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from seatrial_core.timestamps import EPOCH

COLD_SECONDS = 180.0  # the first run compiles the kernel, on a busy machine for more than half a minute
SECRET = "what the chart and the engine share"


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLedger]:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    with fake_ledger() as state:
        monkeypatch.setenv("SEATRIAL_METRICS_URL", state.url)
        # A process has one sender: what earlier tests of it left there is sent now, and not counted.
        collector = MetricsCollector()
        collector.recorder.sender.reconnect()
        collector.heartbeat()
        assert collector.flush()
        state.clear()
        yield state


@pytest.fixture
def engine(service: FakeLedger) -> Iterator[TradingEngine]:
    engine = TradingEngine(TradingConfig())
    yield engine
    engine.stop_trading()


def bars(count: int = 400) -> list[dict[str, float]]:
    closes = [100 + 8 * math.sin(i / 7) - i / 50 for i in range(count + 1)]
    return [
        {
            "timestamp": 1_600_000_000 + 86_400 * i,
            "open": closes[i],
            "high": max(closes[i : i + 2]) + 0.5,
            "low": min(closes[i : i + 2]) - 0.5,
            "close": closes[i + 1],
            "volume": 1.0,
        }
        for i in range(count)
    ]


def test_a_signal_is_traded_and_sends_its_events(engine: TradingEngine, service: FakeLedger) -> None:
    bought = engine.process_signal({"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 50})
    sold = engine.process_signal({"symbol": "BTCUSDT", "action": "sell", "price": 90})

    assert (bought["status"], bought["side"], bought["strategy"]) == ("filled", "BUY", "manual")
    assert Decimal(sold["pnl"]) == Decimal("-509.5")
    assert engine.metrics.flush()
    ours = [event for event in service.events if event.get("engine") == "seatrial"]
    trades = [event for event in ours if event["type"] == "trade"]
    assert [(event["side"], event["status"], event.get("pnl")) for event in trades] == [
        ("BUY", "filled", None),
        ("SELL", "filled", "-509.5"),
    ]
    assert trades[0]["environment"] == "paper"
    assert {event["type"] for event in ours} == {"account", "trade", "api_call", "equity"}
    assert engine.db_manager.get_balance() == Decimal("9490.5")
    assert [row["pnl"] for row in engine.db_manager.get_trades(EPOCH)] == [Decimal("-509.5")]
    assert engine.db_manager.get_trades(datetime(2999, 1, 1, tzinfo=UTC)) == []
    assert engine.db_manager.get_open_positions() == []


@pytest.mark.parametrize(
    "signal",
    [{}, {"symbol": "X"}, {"symbol": "X", "action": "fly"}, {"symbol": "X", "action": "buy", "price": float("nan")}],
)
def test_a_malformed_signal_is_an_answer(engine: TradingEngine, signal: dict[str, Any]) -> None:
    result = engine.process_signal(signal)

    assert result["status"] == "invalid"
    assert result["errors"]


def test_nothing_configured_idles(engine: TradingEngine) -> None:
    before = threading.active_count()

    engine.start_auto_trading()

    assert threading.active_count() == before


def test_half_a_configuration_names_the_missing_half(service: FakeLedger) -> None:
    engine = TradingEngine(TradingConfig(strategy="rsi_bollinger"))

    with pytest.raises(SettingsError, match="`bars` is missing"):
        engine.start_auto_trading()


def test_automatic_trading_makes_the_trades_of_the_backtest(service: FakeLedger) -> None:
    engine = TradingEngine(TradingConfig(strategy="rsi_bollinger", symbol="TEST", bars=bars()))
    engine.start_auto_trading()
    automatic = engine.db_manager.automatic
    assert automatic is not None
    wait_until(lambda: not automatic.is_running, COLD_SECONDS)
    traded = engine.db_manager.get_trades(EPOCH)
    engine.stop_trading()

    expected = BacktestingEngine("rsi_bollinger").run_backtest(bars(), "TEST")
    assert len(traded) > 3
    assert [row["pnl"] for row in traded] == [trade["pnl"] for trade in expected["trades"]]
    assert [row["price"] for row in traded] == [trade["exit_price"] for trade in expected["trades"]]
    assert float(engine.db_manager.get_balance()) == pytest.approx(expected["equity_curve"][-1], rel=1e-12)
    events = [event for event in service.events if event["environment"] == "replay"]
    assert sum("pnl" in event for event in events) == len(traded)
    assert events[0]["occurred_at"].startswith("2020-09-13")


def test_stop_trading_ends_automatic_trading(service: FakeLedger) -> None:
    engine = TradingEngine(TradingConfig(strategy="rsi_bollinger", symbol="TEST", bars=bars(), bars_per_second=50))
    engine.start_auto_trading()
    automatic = engine.db_manager.automatic
    assert automatic is not None
    wait_until(lambda: automatic.state.bars > 3)

    engine.stop_trading()

    assert not automatic.is_running
    assert automatic.state.bars < 400


@contextmanager
def webhook(config: TradingConfig, host: str = "127.0.0.1") -> Iterator[tuple[TradingEngine, str]]:
    port = free_port()
    engine = TradingEngine(config)
    thread = threading.Thread(target=engine.webhook_handler.run, kwargs={"host": host, "port": port})
    thread.start()
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(url))
        yield engine, url
    finally:
        engine.stop_trading()
        thread.join(5)
    assert not thread.is_alive()
    assert not answers(url)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.HTTPError:
        return False


def post(url: str, fields: object, secret: str) -> httpx.Response:
    body = json.dumps(fields).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(secret, body, now)}
    return httpx.post(f"{url}/webhook", content=body, headers=headers)


def test_beyond_this_machine_only_webhook_and_health_answer_without_a_token(service: FakeLedger) -> None:
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (_, url):
        statuses = {path: httpx.get(url + path).status_code for path in ("/health/live", "/health/ready")}
        closed = {
            path: httpx.get(url + path).status_code for path in ("/docs", "/openapi.json", "/metrics", "/v1/orders")
        }

    assert set(statuses.values()) == {200}
    assert set(closed.values()) == {401}


def test_a_repeated_signed_webhook_is_one_order(service: FakeLedger) -> None:
    body = json.dumps({"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 1}).encode()
    now = int(SystemClock().now().timestamp())
    signature = sign(SECRET, body, now)
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (engine, url):
        statuses = [
            httpx.post(
                f"{url}/webhook", content=body, headers={TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}
            ).status_code
            for timestamp in (str(now), str(now), f"0{now}", f"00{now}")
        ]

    assert statuses == [200, 200, 401, 401]
    assert len(engine.get_fills()) == 1


def webhook_statuses(service: FakeLedger) -> list[str]:
    return sorted(event["status"] for event in service.events if event["type"] == "webhook")


def test_a_webhook_is_not_traded_again_after_a_restart(service: FakeLedger) -> None:
    body = json.dumps({"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 1}).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, body, now)}
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (_, url):
        first = httpx.post(f"{url}/webhook", content=body, headers=headers).json()
        again = httpx.post(f"{url}/webhook", content=body, headers=headers).json()
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (restarted, url):
        replayed = httpx.post(f"{url}/webhook", content=body, headers=headers).json()
        another = post(url, {"symbol": "ETHUSDT", "action": "buy", "price": 100, "quantity": 1}, SECRET).json()

    assert (first["status"], again["order_id"], again["repeated"]) == ("filled", first["order_id"], True)
    assert (replayed["status"], replayed["reason"]) == ("ignored", "repeated")
    assert another["status"] == "filled"
    assert [fill["symbol"] for fill in restarted.get_fills()] == ["ETHUSDT"]


def test_a_repeated_hold_marks_no_price_again(service: FakeLedger) -> None:
    body = json.dumps({"symbol": "BTCUSDT", "action": "hold", "price": 50}).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, body, now)}
    buy = {"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 1, "stop_loss": 60}
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (engine, url):
        httpx.post(f"{url}/webhook", content=body, headers=headers)
        post(url, buy, SECRET)
        answer = httpx.post(f"{url}/webhook", content=body, headers=headers)

    assert (answer.status_code, answer.json()["status"], answer.json()["repeated"]) == (200, "ignored", True)
    assert len(engine.db_manager.get_open_positions()) == 1


def test_webhooks_that_make_no_order_leave_a_bounded_number_of_events(service: FakeLedger) -> None:
    invalid = {"symbol": "BTCUSDT", "action": "fly"}
    hold = json.dumps({"symbol": "BTCUSDT", "action": "hold"}).encode()
    now = int(SystemClock().now().timestamp())
    headers = {TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: sign(SECRET, hold, now)}
    with webhook(TradingConfig(webhook_secret=SECRET)) as (engine, url), httpx.Client(base_url=url) as client:
        for number in range(MAX_EVENTS_WITHOUT_ORDER):
            assert post(url, {**invalid, "number": number}, SECRET).status_code == 422
            assert post(url, [number], SECRET).status_code == 400
            assert client.post("/webhook", content=hold, headers=headers).status_code == 200
        assert engine.metrics.flush()

    ours = [event for event in service.events if event["type"] in {"webhook", "error"}]
    assert 0 < len(ours) <= 4 * MAX_EVENTS_WITHOUT_ORDER  # the minute may end meanwhile


def test_forged_webhooks_are_throttled_and_leave_no_event(service: FakeLedger) -> None:
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (engine, url):
        counters = engine.metrics.recorder.counters
        before = counters.value(catalog.TRADING_WEBHOOKS, "unauthorized") or 0
        statuses = [post(url, {}, "guessed").status_code for _ in range(60)]
        good = post(url, {"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 1}, SECRET)
        counted = (counters.value(catalog.TRADING_WEBHOOKS, "unauthorized") or 0) - before
        assert engine.metrics.flush()

    assert (statuses[0], statuses[-1], good.status_code) == (401, 429, 200)
    assert counted == 60
    assert webhook_statuses(service) == ["success"]


def test_signatures_that_cannot_be_stored_stop_the_webhook(
    service: FakeLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "file" / "spill"))

    with pytest.raises(SettingsError, match="set SEATRIAL_SPILL_DIR"):
        TradingEngine(TradingConfig(webhook_secret=SECRET)).webhook_handler.run(port=free_port())


def test_a_signed_webhook_is_traded_and_a_forged_one_is_not(service: FakeLedger) -> None:
    with webhook(TradingConfig(webhook_secret=SECRET), host="0.0.0.0") as (engine, url):
        signal = {"symbol": "BTCUSDT", "action": "buy", "price": 100, "quantity": 1}
        good, forged = post(url, signal, SECRET), post(url, signal, "guessed")
        unsigned = httpx.post(f"{url}/webhook", json=signal)
        wrong = post(url, {"symbol": "BTCUSDT", "action": "fly"}, SECRET)
        listed = post(url, [signal], SECRET)
        large = httpx.post(f"{url}/webhook", content=b"x" * 100_000)
        assert engine.metrics.flush()

    assert (good.status_code, good.json()["status"]) == (200, "filled")
    assert [answer.status_code for answer in (forged, unsigned, wrong, listed, large)] == [401, 401, 422, 400, 413]
    assert webhook_statuses(service) == ["invalid", "malformed", "success"]
    assert len(engine.db_manager.get_open_positions()) == 1


def test_without_a_secret_it_serves_this_machine_only(service: FakeLedger) -> None:
    with pytest.raises(SettingsError, match="webhook_secret is not set"):
        TradingEngine(TradingConfig()).webhook_handler.run(host="0.0.0.0", port=5000)

    with webhook(TradingConfig()) as (_, url):
        answer = httpx.post(f"{url}/webhook", json={"symbol": "BTCUSDT", "action": "buy", "price": 100})

    assert answer.json()["status"] == "filled"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example:5000"}, 421),
    ],
)
def test_a_web_page_cannot_trade(service: FakeLedger, headers: dict[str, str], status: int) -> None:
    signal = b'{"symbol": "BTCUSDT", "action": "buy", "price": 100}'

    with webhook(TradingConfig()) as (engine, url):
        answer = httpx.post(f"{url}/webhook", content=signal, headers=headers)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert engine.db_manager.get_open_positions() == []


def test_a_taken_port_is_named(service: FakeLedger) -> None:
    with silent_listener() as (port, _), pytest.raises(OSError, match=f"port {port} is in use by another program"):
        TradingEngine(TradingConfig()).webhook_handler.run(port=port)


def test_afterwards_no_thread_is_left(service: FakeLedger) -> None:
    before = set(threading.enumerate())

    with webhook(TradingConfig(strategy="rsi_bollinger", symbol="T", bars=bars(60))) as (engine, url):
        engine.start_auto_trading()
        httpx.post(f"{url}/webhook", json={"symbol": "BTCUSDT", "action": "buy", "price": 100})

    wait_until(lambda: not set(threading.enumerate()) - before, describe=threading.enumerate)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"initial_balance": 0}, "initial_balance must be a finite number above 0"),
        ({"initial_balance": float("nan")}, "initial_balance"),
        ({"environment": "production"}, "environment must be one of live, paper, replay, stress"),
        ({"fee": 2.0}, "fee must be a finite number from -0.01 to 0.1"),
        ({"max_daily_loss_ratio": 5}, "max_daily_loss_ratio .* above 0 to 1"),
    ],
)
def test_a_config_that_cannot_be_traded_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TradingConfig(**fields)


def test_a_config_written_with_dots_is_the_default() -> None:
    assert TradingConfig(...) == TradingConfig()
    assert TradingConfig(...).account == "default"
