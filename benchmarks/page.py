"""Writes the README's section on speed between its markers, from a results file."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import table

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- speed: written by `make bench-page` -->", "<!-- /speed -->"


def section(results: dict[str, Any], name: str) -> str:  # Any: JSON
    """Return the section's text.

    Args:
        results: The results file as JSON.
        name: Name of that file.
    """
    return "\n".join(
        [
            BEGIN,
            table.targets(results),
            "",
            f"{table.machine(results)} Ratios are of medians of at least five alternating runs on one",
            "thread, each engine in an environment with what its users install. Slow engines run fewer bars and are",
            "compared by time per bar. All have the same task on the same bars but different fill rules, so trades and",
            "figures differ (backtrader uses 99 % of the cash because we order so). Times, memory, trades and final",
            "equity of all are in",
            f"[`benchmarks/results/{name}`](benchmarks/results/{name}), the rules behind the differences are in",
            "[`docs/rivals.md`](docs/rivals.md). The targets of W1 apply to the seeded bars; there are fewer",
            "real bars, so that constant costs per run and the memory of Python and numba weigh more.",
            "`make bench` repeats the measurement.",
            END,
        ]
    )


def placed(text: str, made: str) -> str:
    """Return a page with the section between its markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md has no section between {BEGIN} and {END}")
    return before + made + after


def write_section(results: dict[str, Any], name: str) -> None:  # Any: JSON
    """Write the section into the README."""
    README.write_text(placed(README.read_text(), section(results, name)))


if __name__ == "__main__":
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else table.newest(Path(__file__).parent / "results")
    write_section(json.loads(results.read_text()), results.name)
