"""The main job end to end: the demo as a stranger starts it, undisturbed and with its parts killed under it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.support.waiting import wait_until

from seatrial.stack import ports

PATIENCE_SECONDS = 240.0
pytestmark = [pytest.mark.system, pytest.mark.serial]


class Demo:
    """One demo: its folder, ports and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: ports.free() for name in ("metrics", "alerts", "backtest", "stress", "engine")}
        environment = {f"SEATRIAL_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        environment["SEATRIAL_STRESS_UI_PORT"] = str(ports.free())
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SEATRIAL_")}
        self.output = folder / "demo.out"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(Path(sys.executable).with_name("seatrial")), "up", "--demo", "--once"],
                cwd=folder,
                env={**inherited, **environment, "COLUMNS": "200"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> int:
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=30)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads((self.folder / ".seatrial" / "demo" / "summary.json").read_text())
        return summary

    def steps_done(self) -> int:
        with contextlib.suppress(OSError, httpx.HTTPError, KeyError, ValueError):
            token = (self.folder / ".seatrial" / "token").read_text().strip()
            answer = httpx.get(
                f"http://127.0.0.1:{self.ports['engine']}/v1/replays/demo",
                headers={"Authorization": f"Bearer {token}"},
                timeout=5,
            )
            return int(answer.json()["steps_done"])
        return 0

    def kill_after(self, steps: int, service: str) -> None:
        """Kill -9 a part of the stack once the replay has come so far."""

        def has_come_so_far() -> bool:
            assert self.process.poll() is None, self.output.read_text()[-3000:]
            return self.steps_done() >= steps

        wait_until(has_come_so_far, PATIENCE_SECONDS, describe=self.steps_done)
        record = json.loads((self.folder / ".seatrial" / "run" / f"{service}.json").read_text())
        psutil.Process(int(record["pid"])).kill()


def check(demo: Demo) -> dict[str, Any]:
    code = demo.wait()
    text = demo.output.read_text()
    assert code == 0, text[-4000:]
    summary = demo.summary
    assert summary["ok"], text[-4000:]
    assert summary["trades_engine"] == summary["trades_backtest"] == 127
    assert summary["trades_equal"]
    assert summary["first_difference"] is None
    assert {"max_drawdown", "win_rate_min"} <= set(summary["alerts_fired"])
    return summary


def test_the_demo_really_happens_and_leaves_nothing_running(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    try:
        summary = check(demo)
    finally:
        demo.stop()

    assert summary["deliveries"] >= 2
    assert summary["stress_verdict"] == "PASS"
    assert summary["events"] > 12_000
    assert all(ports.is_free(port) for port in demo.ports.values())
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(tmp_path) in " ".join(process.info["cmdline"] or [])
    ]


def test_killed_services_and_a_killed_postgres_lose_nothing(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    try:
        demo.kill_after(300, "engine")
        demo.kill_after(900, "metrics")
        demo.kill_after(1_500, "postgres")
        demo.kill_after(2_200, "alerts")
        summary = check(demo)
    finally:
        demo.stop()

    text = demo.output.read_text()
    for service in ("engine", "metrics", "alerts"):
        assert f"{service}: ended unexpectedly (signal 9)" in text
    assert "postgres: is running again" in text
    assert summary["events"] > 12_000
