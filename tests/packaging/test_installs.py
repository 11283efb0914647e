"""The wheels install into an empty environment, bring what their metadata says, and work there."""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tests.support.distributions import closure

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ["", "backtest", "engine", "stress", "up"]
PACKAGES = [*sorted(ROOT.glob("shared/*/pyproject.toml")), *sorted(ROOT.glob("services/*/pyproject.toml"))]

pytestmark = [pytest.mark.slow, pytest.mark.system]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    projects = [str(path.parent) for path in PACKAGES] + [str(ROOT / "sdk")]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), *projects], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def constraints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the locked versions without their hashes, which local wheels cannot have."""
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    path.write_text("\n".join(re.findall(r"^[A-Za-z0-9_.\-]+==[^\\\n]+", locked, re.MULTILINE)), encoding="utf-8")
    return path


def install(folder: Path, wheels: Path, constraints: Path, extra: str) -> Path:
    """Install the SDK with an extra into a new environment and return its programs' folder."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    command = [
        str(programs / "pip"),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    name = f"seatrial[{extra}]" if extra else "seatrial"
    subprocess.run(
        [*command, "--constraint", str(constraints), "--find-links", str(wheels), name], check=True, timeout=600
    )
    return programs


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_installs_what_its_metadata_says(tmp_path: Path, wheels: Path, constraints: Path, extra: str) -> None:
    programs = install(tmp_path / "env", wheels, constraints, extra)

    listing = subprocess.run(
        [str(programs / "pip"), "list", "--format", "json", "--disable-pip-version-check"],
        check=True, capture_output=True, timeout=60,
    ).stdout  # fmt: skip
    names = {re.sub(r"[-_.]+", "-", row["name"]).lower() for row in json.loads(listing)}
    assert names - {"pip", "setuptools"} == closure("seatrial", extra) - {"setuptools"}


def test_the_backtest_extra_runs_a_backtest(tmp_path: Path, wheels: Path, constraints: Path) -> None:
    programs = install(tmp_path / "env", wheels, constraints, "backtest")
    rows = [f"2026-01-01T{hour:02d}:{minute:02d}:00Z,{price},{price + 1},{price - 1},{price},1"
            for hour in range(10) for minute in range(60) for price in [100 + (hour * 60 + minute) % 17]]  # fmt: skip
    data = tmp_path / "bars.csv"
    data.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n", encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path), "SEATRIAL_NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def seatrial(*arguments: str) -> str:
        command = [str(programs / "seatrial"), *arguments]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert seatrial("--version").strip() == f"seatrial {(ROOT / 'VERSION').read_text(encoding='ascii').strip()}"
    run = ("backtest", "run", "--data", str(data), "--strategy", "buy_and_hold")
    result = json.loads(seatrial(*run, "--json", "-", "--report", str(tmp_path / "report.html")))
    assert result["metrics"]["total_trades"] >= 0
    assert "<h2>Assumptions</h2>" in (tmp_path / "report.html").read_text(encoding="utf-8")
