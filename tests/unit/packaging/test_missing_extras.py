"""A command whose extra is not installed names the `pip install` that brings it; the others run without extras."""

import re
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from tests.support.distributions import closure

# Hides the modules of the first argument from every import, as if they were not installed, then runs a command.
SCRIPT = """
import sys

hidden = set(sys.argv[1].split(","))


class InstalledModules:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, path, target)


sys.meta_path[:] = [InstalledModules(finder) for finder in sys.meta_path]
from seatrial.cli.main import main

main(sys.argv[2:])
"""
INSTALL = re.compile(r"pip install 'seatrial\[(\w+)\]'")


@cache
def modules_of(extra: str, without: str = "") -> frozenset[str]:
    """Return the root modules that an extra adds to the base install (or to another extra)."""
    distributions = closure("seatrial", extra) - closure("seatrial", without)
    modules = {
        module
        for module, owners in metadata.packages_distributions().items()
        if {owner.lower().replace("_", "-") for owner in owners} & distributions
    }
    return frozenset(modules | {name.replace("-", "_") for name in distributions})


def run(command: str, hidden: frozenset[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process that cannot import the hidden modules."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(sorted(hidden)), *command.split()],
        cwd=folder,
        env={"COLUMNS": "400", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "extra", "code"),
    [
        ("backtest run --data bars.csv --strategy rsi_bollinger", "backtest", 1),
        ("backtest strategies", "backtest", 1),
        ("backtest check-lookahead --data bars.csv --strategy rsi_bollinger", "backtest", 1),
        ("stress run", "stress", 5),
        ("stress plans", "stress", 5),
        ("up", "up", 1),
        ("db upgrade", "up", 1),
        ("db shell", "up", 1),
        ("doctor", "up", 1),
    ],
)
def test_a_command_without_its_extra_names_the_install(command: str, extra: str, code: int, tmp_path: Path) -> None:
    result = run(command, modules_of(extra), tmp_path)

    assert set(INSTALL.findall(result.stdout + result.stderr)) == {extra}, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == code
    assert extra in (metadata.metadata("seatrial").get_all("Provides-Extra") or [])


def test_the_demo_without_its_prices_names_the_install(tmp_path: Path) -> None:
    result = run("up --demo --once", modules_of("demo", without="up"), tmp_path)

    assert INSTALL.findall(result.stderr) == ["demo"]
    assert "Traceback" not in result.stderr
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("--version", 0, "seatrial "),
        ("status", 1, "Nothing is running in"),
        ("down", 0, "Nothing was running in"),
        ("logs metrics", 2, "There is no log of `metrics`"),
        ("reset --yes", 0, "there is nothing to delete"),
        ("db url", 1, "is not running and has no address"),
    ],
)
def test_a_command_of_the_base_install_needs_no_extra(command: str, code: int, output: str, tmp_path: Path) -> None:
    result = run(command, modules_of("demo") | modules_of("backtest"), tmp_path)

    assert output in result.stdout + result.stderr
    assert result.returncode == code
