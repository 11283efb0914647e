"""Makes tables of a results file: targets and measurements, and the results of every contender."""

from pathlib import Path
from typing import Any

from benchmarks.plan import (
    BACKTESTING,
    LIGHT,
    MAX_HELP_SECONDS,
    MAX_TIMES_SLOWER,
    MIN_BARS_A_SECOND,
    OURS,
    SIM,
    TARGETS,
    WORKLOADS,
    Entry,
    Target,
)

Facts = dict[str, Any]  # Any: JSON
DATA_TITLES = {"seeded": "seeded minutes", "minutes": "real minutes (EURUSD)"}


def report(results: Facts) -> str:
    """Return both tables for a terminal or a page."""
    return "\n".join([targets(results), "", contenders(results)])


def targets(results: Facts) -> str:
    """Return the table of targets: required, measured, met."""
    sets = list(results["data"])
    head = ["what", "at least", *(f"{DATA_TITLES[name]}: reached | met" for name in sets)]
    cells = " | ".join(head)
    lines = [f"| {cells} |", "|" + "---|" * (2 + 2 * len(sets))]
    for target in TARGETS:
        line = judged_line(target, results["data"], sets)
        if line:
            lines.append(line)
    lines += _own_targets(results, sets) + _process_targets(results, len(sets))
    return "\n".join(lines)


def judged_line(target: Target, data: Facts, sets: list[str]) -> str:
    """Return the line of one target, nothing where no data has it."""
    values = [_reached(target, data[name]) for name in sets]
    if all(value is None for value in values):
        return ""
    shown = " | ".join(_judged(value, target.at_least) for value in values)
    required = "-" if target.at_least is None else f"{target.at_least:g} x"
    return f"| {target.what} | {required} | {shown} |"


def contenders(results: Facts) -> str:
    """Return times and results of every contender by workload."""
    lines = [
        "| data, workload, contender | bars | median ms (min to max) | ns a bar | peak MB | trades | final equity |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, workloads in results["data"].items():
        for workload in WORKLOADS:
            for key, facts in workloads.get(workload.name, {}).items():
                lines.append(f"| {name}, {workload.name}, {key} | {_measured(facts)} |")
    return "\n".join(lines)


def machine(results: Facts) -> str:
    """Return one sentence on where and with whom the figures were measured."""
    what, loads = results["machine"], [load for of_data in results["loads"].values() for load in of_data.values()]
    return (
        f"Measured {results['began'][:10]} on {what['cores']} cores of {what['cpu']}, {what['memory_gib']} GiB, "
        f"{what['system']}, Python {what['python']}; load average at the start of "
        f"each workload {min(loads):.1f} to {max(loads):.1f}. Versions: {_versions(results)}."
    )


def _versions(results: Facts) -> str:
    named: dict[str, str] = {}
    for workloads in results["data"].values():
        for facts in (row for workload in workloads.values() for row in workload.values()):
            versions = facts.get("versions", {})
            named.update({name: text for name, text in versions.items() if name not in ("numpy", "pandas")})
    return ", ".join(f"{name} {text}" for name, text in sorted(named.items()))


def _reached(target: Target, workloads: Facts) -> float | None:
    entries = workloads.get(target.workload, {})
    if any("not_measured" in entries.get(key, {"not_measured": ""}) for key in (target.own, target.other)):
        return None
    return float(entries[target.other][target.figure] / entries[target.own][target.figure])


def _own_targets(results: Facts, sets: list[str]) -> list[str]:
    speeds, costs, bounded, tight = [], [], [], []
    for name in sets:
        light = results["data"][name].get("w3_light", {}).get(LIGHT)
        speeds.append("- | -" if light is None else _speed(1.0 / light["seconds_a_bar"]))
        own = results["data"][name].get("own", {})
        costs.append(_slower(own, "w1_costly", SIM))
        bounded.append(_slower(own, "w1_everything", SIM))
        tight.append(_slower(own, "w1_tight_everything", Entry(OURS, "w1_tight").key))
    most = f"at most {MAX_TIMES_SLOWER:g} x slower"
    return [
        f"| W3 light callback, bars a second | {MIN_BARS_A_SECOND:,} | {' | '.join(speeds)} |",
        f"| Trailing stop, slippage, fees against our plain path | {most} | {' | '.join(costs)} |",
        f"| The same and the bounds | {most} | {' | '.join(bounded)} |",
        f"| The same, many ambiguous bars, with bounds over many scenarios | {most} | {' | '.join(tight)} |",
    ]


def _speed(bars_a_second: float) -> str:
    return f"{bars_a_second:,.0f} | {_met(bars_a_second >= MIN_BARS_A_SECOND)}"


def _slower(own: Facts, task: str, plain: str) -> str:
    facts = own.get(Entry(OURS, task).key)
    if facts is None:
        return "- | -"
    result, times = facts["result"], facts["wall_seconds"] / own[plain]["wall_seconds"]
    runs, ambiguous = result.get("runs"), result.get("ambiguous_trades")
    counts = f" ({ambiguous} ambiguous trades, runs: {runs})" if runs else ""
    return f"{times:.2f} x{counts} | {_met(times <= MAX_TIMES_SLOWER)}"


def _process_targets(results: Facts, sets: int) -> list[str]:
    taken = {name: facts["seconds"] for name, facts in results["processes"].items()}
    ours, theirs, help_ = taken[OURS.name], taken[BACKTESTING.name], taken["seatrial --help"]
    blank = "| | " * (sets - 1)
    first = f"{ours:.2f} s | {_met(ours <= theirs)}"
    quick = f"{help_:.2f} s | {_met(help_ < MAX_HELP_SECONDS)}"
    return [
        f"| Fresh process to first result, warm cache | backtesting.py's {theirs:.2f} s | {first} {blank}|",
        f"| `seatrial --help` | under {MAX_HELP_SECONDS:g} s | {quick} {blank}|",
    ]


def _judged(value: float | None, least: float | None) -> str:
    if value is None:
        return "not measured | -"
    reached = f"{value:.3g} x" if value < 100 else f"{value:,.0f} x"
    return f"{reached} | {'-' if least is None else _met(value >= least)}"


def _met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def _measured(facts: Facts) -> str:
    if "not_measured" in facts:
        return f"not measured: {facts['not_measured']} | | | | |"
    result = facts["result"]
    low, middle, high = (1e3 * facts[name] for name in ("wall_seconds_min", "wall_seconds", "wall_seconds_max"))
    final = f"{result['final']:,.2f}" if "final" in result else ""
    trades = result.get("trades", f"{result.get('orders')} orders")
    return (
        f"{facts['bars']:,} | {middle:.1f} ({low:.1f} to {high:.1f}) | {1e9 * facts['seconds_a_bar']:,.1f} | "
        f"{facts['peak_rss_mb']:.0f} | {trades} | {final}"
    )


def newest(folder: Path) -> Path:
    """Return the newest results file."""
    return max(folder.glob("20*.json"))
