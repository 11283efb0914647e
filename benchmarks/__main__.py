"""`make bench`: everyone on the same bars, in turn; writes benchmarks/results/DATE.json and prints the table."""

import argparse
import datetime
import json
import os
import platform
from pathlib import Path

from benchmarks import data, running, table
from benchmarks.plan import BACKTESTING, OURS, WORKLOADS
from benchmarks.running import ROOT, Facts
from seatrial_core.clock import SystemClock

BARS = ROOT / ".bench" / "data"
RESULTS = ROOT / "benchmarks" / "results"
FIRST_RESULT_BARS = 2_148


def main() -> None:
    """Measure, write, print."""
    asked = _arguments()
    clock = SystemClock()
    sets = {"seeded": (data.seeded(asked.bars), data.SEEDED_STOPS)}
    real = data.minutes(Path(asked.data)) if asked.data else None
    if real is not None:
        sets["minutes"] = (real, data.MINUTE_STOPS)
    else:
        print("SEATRIAL_DATA_DIR names no folder with real minutes: seeded bars only", flush=True)
    began = clock.now()
    results: Facts = {
        "began": began.isoformat(timespec="seconds"),
        "machine": machine(),
        "load_before": os.getloadavg(),
    }
    results["data"], results["loads"] = {}, {}
    for name, (columns, stops) in sets.items():
        path = BARS / f"{name}.npz"
        data.write(columns, path, stops)
        results["data"][name], results["loads"][name] = _workloads(name, path, asked)
    results["processes"] = _processes(asked.repeats or 5, sets["seeded"][0])
    results["load_after"] = os.getloadavg()
    results["seconds"] = (clock.now() - began).total_seconds()
    out = asked.out or RESULTS / f"{began.date().isoformat()}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")
    print(table.report(results))
    print(f"written to {out}")


def machine() -> Facts:
    """Return what the figures were measured on."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _workloads(name: str, path: Path, asked: argparse.Namespace) -> tuple[Facts, Facts]:
    results: Facts = {}
    loads: Facts = {}
    for workload in WORKLOADS:
        if asked.only and workload.name not in asked.only:
            continue
        loads[workload.name] = os.getloadavg()[0]
        _say(f"{name}: {workload.title} (load {loads[workload.name]:.1f})")
        results[workload.name] = running.in_turn(workload, path, asked.bars, asked.repeats, _say)
    return results, loads


def _processes(repeats: int, columns: data.Columns) -> Facts:
    _say("whole processes, warm caches: from start to first result; the command's help")
    path = BARS / "first.npz"
    data.write({key: column[:FIRST_RESULT_BARS] for key, column in columns.items()}, path, data.SEEDED_STOPS)
    commands = {
        contender.name: (
            [*running.command(contender, "w1_e2e", path, FIRST_RESULT_BARS), "once"],
            running.environment(contender),
        )
        for contender in (OURS, BACKTESTING)
    }
    commands["seatrial --help"] = ([str(ROOT / OURS.home / "bin/seatrial"), "--help"], running.environment(OURS))
    return running.whole_processes(commands, repeats)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=1_000_000, help="bars of the seeded data")
    parser.add_argument("--repeats", type=int, default=None, help="repeats of every contender; as planned otherwise")
    parser.add_argument("--data", default=os.environ.get("SEATRIAL_DATA_DIR", ""), help="folder of the real minutes")
    parser.add_argument("--only", nargs="*", default=[], help="workloads to run")
    parser.add_argument("--out", type=Path, default=None, help="where the results go")
    return parser.parse_args()


def _say(line: str) -> None:
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251  the only clock on a terminal
    print(f"{now:%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    main()
