"""Bad settings are found before anything starts, all of them at once."""

import os
from pathlib import Path

import pytest
from tests.support.ports import free_ports

from seatrial.stack.errors import StackError, UsageError
from seatrial.stack.layout import Layout
from seatrial.stack.services import SERVICES
from seatrial.stack.stack import Stack


def environment(**bad: str) -> dict[str, str]:
    """Return the variables of a stack on free ports, and some bad ones."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    ports = zip(SERVICES, free_ports(len(SERVICES)), strict=True)
    return {**kept, **{f"{service.prefix}PORT": str(port) for service, port in ports}, **bad}


def test_all_bad_settings_and_unknown_variables_are_listed_and_nothing_starts(tmp_path: Path) -> None:
    bad = {
        "SEATRIAL_METRICS_PORT": "many",
        "SEATRIAL_ENGINE_PORT": "0",
        "SEATRIAL_ENGINE_MAX_DAILY_LOSS": "very little",
        "SEATRIAL_ENGINE_LOG_LEVEL": "LOUD",
        "SEATRIAL_ALERTS_RULES_FILE": str(tmp_path / "missing.yaml"),
        "SEATRIAL_STRESS_MAX_REQUESTS": "-1",
        "SEATRIAL_STRES_TARGETS": "http://127.0.0.1:1",
    }
    messages: list[str] = []

    stack = Stack(
        Layout(tmp_path),
        listener=lambda service, message: messages.append(f"{service}: {message}"),
        environment=environment(**bad),
    )
    with pytest.raises(UsageError) as refusal:
        stack.start()

    text = str(refusal.value)
    assert refusal.value.exit_code == 2
    assert [name for name in bad if name not in text and name != "SEATRIAL_ALERTS_RULES_FILE"] == []
    assert "missing.yaml" in text
    assert "did you mean SEATRIAL_STRESS_TARGETS?" in text
    assert messages == []
    assert not (tmp_path / ".seatrial" / "postgres").exists()


def test_a_refusal_of_every_service_is_listed_once(tmp_path: Path) -> None:
    stack = Stack(Layout(tmp_path), environment=environment(SEATRIAL_TOKENS="short=admin"))

    with pytest.raises(StackError, match=r"^metrics, alerts, backtest, stress, engine: .*SEATRIAL_TOKENS"):
        stack.start()


def test_a_secret_is_not_in_the_message(tmp_path: Path) -> None:
    stack = Stack(Layout(tmp_path), environment=environment(ALERT_WEBHOOK_URL="ftp://me:hidden-secret@example.com"))

    with pytest.raises(UsageError, match=r"alerts: .*ALERT_WEBHOOK_URL") as refusal:
        stack.start()

    assert "hidden-secret" not in str(refusal.value)
