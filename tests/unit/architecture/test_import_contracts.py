"""Every import contract catches a violation that is planted in a copy of the source tree."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = [*ROOT.glob("shared/*/seatrial_*"), *ROOT.glob("services/*/seatrial_*"), ROOT / "sdk/seatrial"]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
# By contract: the module that gets one more line, and the line.
VIOLATIONS = {
    "distributions": ("seatrial_core/errors.py", "import seatrial_service.logs"),
    "core-layers": ("seatrial_core/errors.py", "import seatrial_core.clients"),
    "trading-layers": ("seatrial_trading/quant/__init__.py", "import seatrial_trading.matching"),
    "matching-layers": ("seatrial_trading/matching/layout.py", "import seatrial_trading.matching.kernel"),
    "backtesting-layers": ("seatrial_backtesting/execution_settings.py", "import seatrial_backtesting.report.page"),
    "service-layers": ("seatrial_service/logs.py", "import seatrial_service.web"),
    "metrics-layers": ("seatrial_metrics/equity.py", "import seatrial_metrics.store.commit"),
    "alerts-layers": ("seatrial_alerts/evaluation.py", "import seatrial_alerts.store.rules"),
    "backtest-layers": ("seatrial_backtest/store.py", "import seatrial_backtest.jobs.worker"),
    "engine-layers": ("seatrial_engine/store/state.py", "import seatrial_engine.runtime.outbox_relay"),
    "stress-layers": ("seatrial_stress/checks/slo.py", "import seatrial_stress.store"),
    "sdk-layers": ("seatrial/lazy.py", "import seatrial.cli.output"),
    "stack-layers": ("seatrial/stack/services.py", "import seatrial.stack.processes.process"),
    "stack-postgres": ("seatrial/stack/postgres/database.py", "import seatrial.stack.services"),
    "monitoring-layers": ("seatrial/monitoring/collecting/spill.py", "import seatrial.monitoring.metrics_collector"),
    "sql": ("seatrial_trading/matching/kernel.py", "import sqlalchemy"),
    "http-client": ("seatrial_engine/domain/order_processor.py", "import httpx"),
    "web": ("seatrial_metrics/committer.py", "from fastapi import Request"),
    "load-generator": ("seatrial_stress/service.py", "import gevent"),
    "numeric": ("seatrial_engine/domain/fills.py", "import numpy"),
    "service-without-trading": ("seatrial_service/web.py", "import seatrial_trading.quant"),
    "core-without-web": ("seatrial_core/clients.py", "import structlog"),
    "core-pure": ("seatrial_core/figures/live.py", "import time"),
    "alert-rules-pure": ("seatrial_core/alerting/rules.py", "import pydantic"),
    "trading-without-io": ("seatrial_backtesting/run.py", "import httpx"),
    "tables": ("seatrial_service/db/base.py", "import pydantic"),
    "pure-modules": ("seatrial_engine/domain/risk_limits.py", "import random"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def planted(tree: Path, contract: dict[str, object]) -> Iterator[Path]:
    name, statement = VIOLATIONS[str(contract["id"])]
    module = tree / name
    source = module.read_text(encoding="utf-8")
    module.write_text(f"{source}\n{statement}\n", encoding="utf-8")
    yield tree
    module.write_text(source, encoding="utf-8")


def lint(tree: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "400"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(VIOLATIONS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=[contract["id"] for contract in CONTRACTS])
def test_a_planted_violation_breaks_its_contract(planted: Path, contract: dict[str, str]) -> None:
    result = lint(planted, contract["id"])

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract['name']} BROKEN" in result.stdout
