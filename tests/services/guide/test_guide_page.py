"""Every block of the guide's page runs unchanged, in a separate process, with warnings as errors."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial_core.catalog import CATALOG, GUIDE_METRICS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "monitoring_testing_guide.md"
OWNERS = """\
# Trading System Monitoring & Testing Guide
## Overview
## Project Structure After Integration
## Monitoring System
### Features
### Usage
#### Basic Monitoring Setup
#### Manual Metrics Collection
### Available Metrics
#### Trading Metrics
#### System Metrics
#### Risk Metrics
### Alert Configuration
## Testing System
### Testing Components
#### 1. Unit Tests
#### 2. Backtesting Engine
#### 3. Stress Testing
### Running All Tests
#### Option 1: Quick Test Runner
#### Option 2: Individual Test Execution
## Integration with Main Application
### Adding Monitoring to Existing System
## Best Practices
### Monitoring
### Testing
### Performance Optimization
## Troubleshooting
### Common Issues
### Performance Considerations
## Configuration
### Environment Variables
### Database Tables
## Dependencies
## Conclusion
"""
FENCE = re.compile(
    r"(?:<!-- test: (?P<how>.+?) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
METRIC = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
PRINTED = {
    "Basic Monitoring Setup": "",
    "Manual Metrics Collection": "",
    "Alert Configuration": "'max_drawdown': 0.1",
    "1. Unit Tests": "OK",
    "2. Backtesting Engine": "Win Rate: ",
    "2. Backtesting Engine (2)": "97.5 signal",
    "3. Stress Testing": "api_failure: ",
    "Option 1: Quick Test Runner": "'memory_under_load'",
    "Option 2: Individual Test Execution": "OK",
    "Option 2: Individual Test Execution (2)": "INCONCLUSIVE",
    "Adding Monitoring to Existing System": "",
    "Adding Monitoring to Existing System (2)": "",
    "Environment Variables": "",
}
INTERRUPTED = "until Ctrl-C"
# One second a plan, which is too short to pass: `test_sdk_runner.py` runs the whole of it.
BRIEFLY = "briefly"


@dataclass(frozen=True)
class Block:
    """A block of code under its heading."""

    name: str
    language: str
    code: str
    how: str


def blocks() -> list[Block]:
    """Return the page's blocks that are code, in order."""
    text = PAGE.read_text(encoding="utf-8")
    page_blocks: list[Block] = []
    for match in FENCE.finditer(text):
        if not match["language"]:
            continue
        heading = [line for line in text[: match.start()].splitlines() if line.startswith("#")][-1].lstrip("# ")
        before = sum(block.name.startswith(heading) for block in page_blocks)
        name = f"{heading} ({before + 1})" if before else heading
        page_blocks.append(Block(name, match["language"], match["code"], match["how"] or ""))
    return page_blocks


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a machine without a running Seatrial service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "ALERT_"))}
    unreachable = {f"SEATRIAL_{peer}_URL": "http://127.0.0.1:1" for peer in ("METRICS", "ALERTS", "ENGINE", "BACKTEST")}
    own = {
        "SEATRIAL_SPILL_DIR": str(tmp_path / "spill"),
        "MONITORING_PORT": str(free_port()),
        "WEBHOOK_SECRET": "a long secret of the owner",
        "PYTHONWARNINGS": "error",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return {**kept, **unreachable, **own}


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
def test_a_block_runs(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    if block.how == INTERRUPTED:
        output = interrupted(block, environment, tmp_path)
    else:
        code = block.code.rstrip() + " --duration 1\n" if block.how == BRIEFLY else block.code
        file = tmp_path / f"block.{block.language}"
        file.write_text(code, encoding="utf-8")
        program = {"python": [sys.executable], "bash": ["bash", "-eu"]}[block.language]
        done = subprocess.run(
            [*program, str(file)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == int(block.how == BRIEFLY), output[-3000:]

    assert PRINTED[block.name] in output, output[-3000:]
    assert "Traceback" not in output


def interrupted(block: Block, environment: dict[str, str], folder: Path) -> str:
    """Run a program until it answers on its port, send SIGINT, check that it exits with 0, and return its output."""
    port = free_port()
    assert block.code.count("port=5000") == 1
    file = folder / "main.py"
    file.write_text(block.code.replace("port=5000", f"port={port}"), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(file)],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            wait_until(lambda: answers(port) or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0, output
    return output


def answers(port: int) -> bool:
    """Return whether a program serves on the port."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_no_block_is_left_out() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))

    assert [block.name for block in blocks()] == list(PRINTED)
    assert text.count("```") == 2 * len(fences), "an indented or unclosed block would not be run"
    assert "~~~" not in text
    assert [match["code"].split("\n")[0] for match in fences if not match["language"]] == ["seatrial/"]


def test_the_headings_are_the_owners() -> None:
    plain = FENCE.sub("", PAGE.read_text(encoding="utf-8"))
    assert [line for line in plain.splitlines() if line.startswith("#")] == OWNERS.splitlines()


def test_the_twelve_metrics_stand_on_the_page() -> None:
    named = set(METRIC.findall(PAGE.read_text(encoding="utf-8")))
    assert {metric.name for metric in GUIDE_METRICS} <= named
    metrics = {
        name for name in named if name.endswith(("_total", "_percent", "_seconds")) or name.startswith("trading_")
    }
    assert metrics <= set(CATALOG)
