"""The sentences that the troubleshooting page quotes are the ones that the programs print."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.ports import silent_listener

from seatrial_core.errors import SeatrialError
from seatrial_metrics.figures import NO_EQUITY
from seatrial_service.auth import Tokens, authorise
from seatrial_stress.checks import generator
from seatrial_stress.plans.catalog import PLANS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


def printed(environment: dict[str, str]) -> tuple[str, int]:
    """Start the metrics service with these settings alone; return what it says and its exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "MONITORING_"))}
    done = subprocess.run(
        [sys.executable, "-m", "seatrial_metrics"],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr.strip(), done.returncode


@pytest.mark.parametrize(
    ("environment", "exit_code"),
    [
        ({}, 2),
        ({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_METRICS_PORT": "0"}, 1),
        ({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_METRICS_PORT": "2", "MONITORING_PORT": "1"}, 2),
        ({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_METRICS_HOST": "0.0.0.0"}, 2),
        ({"SEATRIAL_DATABASE_URL": NOBODY, "METRICS_UPDATE_INTERVAL": "x"}, 2),
        ({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_TOKENS": "changeme=admin"}, 2),
    ],
    ids=["no database", "database away", "two ports", "open to all", "no number", "guessable token"],
)
def test_a_quoted_sentence_is_printed(environment: dict[str, str], exit_code: int) -> None:
    said, code = printed(environment)

    assert code == exit_code, said
    assert f"> {said}\n" in PAGE.read_text(encoding="utf-8"), said


def test_the_sentence_of_a_taken_port_is_printed() -> None:
    with silent_listener() as (port, _):
        said, code = printed({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_METRICS_PORT": str(port)})

    assert code == 2
    assert f"> {said.removeprefix('metrics: ').replace(str(port), '9999')}\n" in PAGE.read_text(encoding="utf-8"), said


@pytest.mark.parametrize("header", [None, "Bearer not-one-of-ours", "Bearer the-reader-of-figures"])
def test_a_refused_call_is_told_the_quoted_sentence(header: str | None) -> None:
    tokens = Tokens.parse("the-reader-of-figures=metrics:read")

    with pytest.raises(SeatrialError) as refused:
        authorise(tokens, header, "engine:trade")

    assert f"> {refused.value.detail}\n" in PAGE.read_text(encoding="utf-8"), refused.value.detail


def test_the_sentence_of_a_missing_extra_is_printed() -> None:
    program = "import sys; sys.modules['numpy'] = None; from seatrial import BacktestingEngine"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    said = done.stderr.strip().splitlines()[-1].partition(": ")[2]
    assert f"> {said}\n" in PAGE.read_text(encoding="utf-8"), done.stderr


def test_the_sentence_of_an_invalid_run_is_the_judges() -> None:
    checks = generator.check(PLANS["high_frequency"], generator.SendStatistics(scheduled=0, sent=0, lags=()), [])

    quoted = PAGE.read_text(encoding="utf-8")
    assert any(f"> {check.said}\n" in quoted for check in checks), checks


def test_the_quoted_reason_of_an_unknown_figure_is_the_services() -> None:
    assert f'"{NO_EQUITY.reason}"' in PAGE.read_text(encoding="utf-8")
