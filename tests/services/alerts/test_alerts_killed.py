"""The real process, killed with -9 while it delivers: the next one delivers, with the key that was seen."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.services.alerts.running_alerts import figures, holds, until
from tests.services.alerts.small_servers import HANG, Figures, Inbox, serve_figures, serve_inbox

pytestmark = pytest.mark.system


@contextmanager
def _process(database_url: str, metrics: str, hook: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "SEATRIAL_ALERTS_PORT": "0",
        "SEATRIAL_ALERTS_DELIVERY_TIMEOUT_SECONDS": "1",
        "SEATRIAL_DATABASE_URL": database_url,
        "SEATRIAL_METRICS_URL": metrics,
        "METRICS_UPDATE_INTERVAL": "0.1",
        "ALERT_WEBHOOK_URL": hook,
    }
    command = [sys.executable, "-m", "seatrial_alerts"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def test_a_kill_between_claim_and_acknowledgement_loses_nothing(database_url: str) -> None:
    inbox, known = Inbox(answers=[HANG, 200]), Figures(figures(0.2))
    with serve_figures(known) as metrics, serve_inbox(inbox) as hook:
        with _process(database_url, metrics, hook) as first:
            await until(lambda: holds(len(inbox.seen) == 1))
            first.kill()
            first.wait()
        known.snapshot = figures(0.0, 2)
        with _process(database_url, metrics, hook) as second:
            await until(lambda: holds(len(inbox.accepted) == 2))
            second.terminate()
            code = second.wait(timeout=15)

    assert [body["state"] for body in inbox.accepted] == ["firing", "resolved"]
    assert inbox.seen[0]["key"] == inbox.accepted[0]["key"]
    assert code == 0
