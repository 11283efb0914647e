"""Shared by all contenders: load the bars, prepare outside the timing, run on command, print JSON.

Runs in each rival's own environment, so it needs numpy and the standard library only. The driver runs the contenders of
one workload alternately, so that other load on the machine affects all of them.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Bars = Mapping[str, np.ndarray]
Facts = dict[str, Any]  # Any: JSON
Run = Callable[[], Facts]
Prepare = Callable[[Bars], Run]

WARM_SECONDS = 4.0  # what takes longer is not run a second time to see how long it takes warm
CASH = 100_000.0
FEE = 0.001
LOOK_BACK = 10
WINDOW = 20
DEVIATIONS = 3.0


def serve(workloads: Mapping[str, Prepare], packages: list[str]) -> None:
    """Run `SCRIPT WORKLOAD BARS.npz NUMBER`: JSON at first, then for each line of stdin as many runs as it says.

    With `once` behind it the workload runs once, and that is all.

    Args:
        workloads: By name, what prepares a run outside the clock and returns it.
        packages: Packages whose versions are reported.
    """
    name, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    bars = load(path, count)
    began = time.perf_counter()
    run = workloads[name](bars)
    prepared = time.perf_counter() - began
    first = measured(run)
    if sys.argv[4:] == ["once"]:
        say(first)
        return
    warm = measured(run) if first["wall"] < WARM_SECONDS else first
    versions = {package: version(package) for package in packages}
    facts = {"first": first, "warm": warm, "prepare_seconds": prepared}
    say({**facts, "bars": len(bars["close"]), "versions": versions})
    for line in sys.stdin:
        for _ in range(int(line)):
            say(measured(run))
    say({"peak_rss_mb": peak_rss_mb()})


def load(path: str, count: int) -> dict[str, np.ndarray]:
    """Return the first bars of a file, each column a contiguous array."""
    with np.load(path) as columns:
        return {name: np.ascontiguousarray(columns[name][:count]) for name in columns.files}


def measured(run: Run) -> Facts:
    """Return wall and CPU seconds of one run, and its result."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    facts = run()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "result": facts}


def peak_rss_mb() -> float:
    """Return this program's greatest resident memory so far (not that of the process which started it)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def say(facts: Facts) -> None:
    """Print one line of JSON at once."""
    print(json.dumps(facts), flush=True)


def crossed(close: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the mean of 10 closes crosses that of 30, up and down."""

    def mean(n: int) -> np.ndarray:
        sums = np.cumsum(np.insert(close, 0, 0.0))
        return np.concatenate((np.full(n - 1, np.nan), (sums[n:] - sums[:-n]) / n))

    above = mean(10) > mean(30)
    before = np.insert(above[:-1], 0, False)
    is_defined = np.arange(len(close)) >= 30
    return above & ~before & is_defined, ~above & before & is_defined
