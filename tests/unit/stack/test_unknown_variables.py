"""A misspelled variable is named by the doctor, at the start of the stack and at the start of a service."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seatrial.stack import doctor
from seatrial.stack.errors import PortTaken
from seatrial.stack.layout import Layout
from seatrial.stack.stack import Stack
from seatrial_service.db import upgrade

SENTENCE = "SEATRIAL_ENGINE_MAX_DAYLY_LOSS is set, but nothing reads it; did you mean SEATRIAL_ENGINE_MAX_DAILY_LOSS?"


def test_the_doctor_names_it_in_the_environment_and_in_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_ENGINE_MAX_DAYLY_LOSS", "0.05")
    (tmp_path / ".env").write_text("SEATRIAL_TOKEN=x\nPOSTGRES_PASSWORD=y\n# SEATRIAL_NOTE=\nSEATRIAL_TOKNES=z\n")

    findings = [finding for finding in doctor.examine(Layout(tmp_path)) if finding.check == "variables"]

    assert [finding.found for finding in findings] == [
        f"warning: {SENTENCE}",
        "warning: .env: SEATRIAL_TOKNES is set, but nothing reads it; did you mean SEATRIAL_TOKENS?",
    ]
    assert all(finding.ok for finding in findings)


def test_the_stack_names_it_before_anything_starts(tmp_path: Path) -> None:
    messages: list[tuple[str, str]] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            "SEATRIAL_ENGINE_MAX_DAYLY_LOSS": "a-value",
            "SEATRIAL_ENGINE_FEE": "0.001",
            "SEATRIAL_ALERTS_PORT": str(taken.getsockname()[1]),
        }
        stack = Stack(Layout(tmp_path), None, lambda part, message: messages.append((part, message)), environment)
        with pytest.raises(PortTaken):
            stack.start()

    assert messages == [("up", SENTENCE)]


def test_a_service_names_it_before_it_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            **os.environ,
            "SEATRIAL_ENGINE_MAX_DAYLY_LOSS": "a-value",
            "SEATRIAL_DATABASE_URL": "postgresql://unused@127.0.0.1:1/unused",
            "SEATRIAL_ALERTS_PORT": str(taken.getsockname()[1]),
        }
        command = [sys.executable, "-m", "seatrial_alerts"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 2
    assert SENTENCE in ended.stdout
    assert "a-value" not in ended.stdout + ended.stderr


def test_the_migration_names_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SEATRIAL_ENGINE_MAX_DAYLY_LOSS", "a-value")
    monkeypatch.delenv("SEATRIAL_DATABASE_URL", raising=False)

    code = upgrade.main()

    assert code == 2
    assert f"migrate: {SENTENCE}" in capsys.readouterr().err
