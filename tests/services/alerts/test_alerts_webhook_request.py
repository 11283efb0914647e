"""One webhook receives the same fields and headers from the alerts service and from the SDK's monitor."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.services.alerts.running_alerts import SECRET, figures, running
from tests.services.alerts.small_servers import Figures, serve_figures
from tests.support.http_stub import RecordedRequest, http_stub
from tests.support.ports import free_port
from tests.support.waiting import wait_until, wait_until_async

from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring import PerformanceMonitor
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.alerts import Notification
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify


class Account:
    def get_balance(self) -> float:
        return 8_900.0


async def _request_of_the_service(database_url: str) -> RecordedRequest:
    with http_stub() as receiver, serve_figures(Figures(figures(0.2))) as metrics:
        async with running(database_url, metrics, receiver.url):
            await wait_until_async(lambda: receiver.requests)
    return receiver.requests[0]


def _request_of_the_monitor(recorder: ProcessRecorder) -> RecordedRequest:
    with http_stub() as receiver:
        config = TradingConfig(alert_webhook_url=receiver.url, alert_webhook_secret=SECRET)
        monitor = PerformanceMonitor(Account(), config, port=free_port(), interval=0.05, recorder=recorder)
        monitor.start_monitoring()
        try:
            wait_until(lambda: receiver.requests)
        finally:
            monitor.stop_monitoring()
            recorder.sender.close()
    return receiver.requests[0]


async def test_service_and_monitor_post_the_same_fields_and_headers(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_ALERTS_URL", "http://127.0.0.1:1")

    service = await _request_of_the_service(database_url)
    monitor = await asyncio.to_thread(_request_of_the_monitor, ProcessRecorder())

    assert service.json().keys() == monitor.json().keys() == Notification.model_fields.keys()
    assert service.headers.keys() == monitor.headers.keys()
    for request in (service, monitor):
        notification = Notification.model_validate_json(request.body)
        assert (notification.rule, notification.state, notification.scope) == ("max_drawdown", "firing", "portfolio")
        assert request.headers["Idempotency-Key"] == notification.key
        now = int(SystemClock().now().timestamp())
        stamp, signature = request.headers[TIMESTAMP_HEADER], request.headers[SIGNATURE_HEADER]
        assert verify(SECRET, request.body, stamp, signature, now=now) is None


def test_the_documented_body_is_a_notification_with_every_field() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    body = page.partition("## Alert webhooks")[2].partition("```json\n")[2].partition("```")[0]

    notification = Notification.model_validate_json(body)

    assert notification.model_dump(mode="json") == json.loads(body)
    assert json.loads(body).keys() == Notification.model_fields.keys()
