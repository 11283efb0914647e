"""The messages quoted in docs/troubleshooting.md are the ones that the programs print."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from tests.support.ports import silent_listener

from seatrial_core.errors import SeatrialError
from seatrial_metrics.__main__ import main
from seatrial_metrics.scopes import NO_EQUITY
from seatrial_service.auth import Tokens, authorise
from seatrial_stress.checks import generator
from seatrial_stress.plans.catalog import PLANS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
UNREACHABLE = "postgresql://unused@127.0.0.1:1/unused"
PREFIXES = ("SEATRIAL_", "MONITORING_", "METRICS_", "ALERT_")


def quoted(message: str) -> bool:
    """Return whether the page quotes a message as a line."""
    return f"> {message}\n" in PAGE.read_text(encoding="utf-8")


@pytest.fixture
def start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[str, int]]]:
    """Run the metrics service's `main()` with only the given settings; return its stderr and exit code."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)

    def run_main(**settings: str) -> tuple[str, int]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        exit_code = main()
        return capsys.readouterr().err.strip(), exit_code

    # `main()` configures logging for its process.
    structlog_config, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield run_main
    structlog.configure(**structlog_config)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"SEATRIAL_DATABASE_URL": UNREACHABLE, "SEATRIAL_METRICS_PORT": "2", "MONITORING_PORT": "1"},
        {"SEATRIAL_DATABASE_URL": UNREACHABLE, "SEATRIAL_METRICS_HOST": "0.0.0.0"},
        {"SEATRIAL_DATABASE_URL": UNREACHABLE, "METRICS_UPDATE_INTERVAL": "x"},
        {"SEATRIAL_DATABASE_URL": UNREACHABLE, "SEATRIAL_TOKENS": "changeme=admin"},
    ],
    ids=["no database", "two ports", "public without token", "not a number", "default token"],
)
def test_message_of_a_bad_setting_is_quoted(start: Callable[..., tuple[str, int]], settings: dict[str, str]) -> None:
    message, exit_code = start(**settings)

    assert exit_code == 2, message
    assert quoted(message), message


def test_message_of_a_taken_port_is_quoted(start: Callable[..., tuple[str, int]]) -> None:
    with silent_listener() as (port, _):
        message, exit_code = start(SEATRIAL_DATABASE_URL=UNREACHABLE, SEATRIAL_METRICS_PORT=str(port))

    assert exit_code == 2
    assert quoted(message.removeprefix("metrics: ").replace(str(port), "9999")), message


def test_process_without_a_reachable_database_prints_the_quoted_message() -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    environment = {**inherited, "SEATRIAL_DATABASE_URL": UNREACHABLE, "SEATRIAL_METRICS_PORT": "0"}

    result = subprocess.run(
        [sys.executable, "-m", "seatrial_metrics"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 1, result.stderr
    assert quoted(result.stderr.strip()), result.stderr


@pytest.mark.parametrize("header", [None, "Bearer not-one-of-ours", "Bearer the-reader-of-figures"])
def test_message_of_a_refused_call_is_quoted(header: str | None) -> None:
    tokens = Tokens.parse("the-reader-of-figures=metrics:read")

    with pytest.raises(SeatrialError) as refused:
        authorise(tokens, header, "engine:trade")

    assert quoted(refused.value.detail), refused.value.detail


def test_message_of_a_missing_extra_is_quoted() -> None:
    program = "import sys; sys.modules['numpy'] = None; from seatrial import BacktestingEngine"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    message = result.stderr.strip().splitlines()[-1].partition(": ")[2]
    assert quoted(message), result.stderr


def test_message_of_an_invalid_run_is_quoted() -> None:
    checks = generator.check(PLANS["high_frequency"], generator.SendStatistics(scheduled=0, sent=0, lags=()), [])

    assert any(quoted(check.said) for check in checks), checks


def test_reason_of_an_undefined_figure_is_quoted() -> None:
    assert f'"{NO_EQUITY.reason}"' in PAGE.read_text(encoding="utf-8")
