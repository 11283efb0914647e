"""The sentences that the troubleshooting page quotes are the ones that the programs print."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

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
    ],
    ids=["no database", "database away", "two ports", "open to all", "no number"],
)
def test_a_quoted_sentence_is_printed(environment: dict[str, str], exit_code: int) -> None:
    said, code = printed(environment)

    assert code == exit_code, said
    assert f"> {said}\n" in PAGE.read_text(encoding="utf-8"), said


def test_the_sentence_of_a_taken_port_is_printed() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said, code = printed({"SEATRIAL_DATABASE_URL": NOBODY, "SEATRIAL_METRICS_PORT": str(port)})

    assert code == 2
    assert f"> {said.removeprefix('metrics: ').replace(str(port), '9999')}\n" in PAGE.read_text(encoding="utf-8"), said
