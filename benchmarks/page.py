"""Writes the README's section on speed between its markers, from a results file."""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import table

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- speed: written by `make bench-page` -->", "<!-- /speed -->"


def section(found: dict[str, Any], name: str) -> str:  # Any: JSON
    """Return the section's text.

    Args:
        found: The results.
        name: Of their file.
    """
    return "\n".join(
        [
            BEGIN,
            table.targets(found),
            "",
            f"{table.machine(found)} Ratios are of medians of at least five runs, told to go in turn; everybody on one",
            "thread, in an environment with what its users install; slow rivals ran fewer bars and are compared by the",
            "time a bar. All have the same task on the same bars and settle it by rules of their own, so that trades",
            "and figures differ (that backtrader uses 99 % of the cash is how we order): everybody's times, memory,",
            "trades and final equity are in",
            f"[`benchmarks/results/{name}`](benchmarks/results/{name}), the rule behind each difference is in",
            "[`docs/rivals.md`](docs/rivals.md). W1's targets apply to the seeded bars; the real ones are fewer, so",
            "that what a run costs beside its bars, and what Python and numba take up, weigh more.",
            "`make bench` measures it anew.",
            END,
        ]
    )


def placed(text: str, made: str) -> str:
    """Return a page with the section between its markers replaced."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md has no section between {BEGIN} and {END}")
    return before + made + after


def write_section(found: dict[str, Any], name: str) -> None:  # Any: JSON
    """Write the section into the README."""
    README.write_text(placed(README.read_text(), section(found, name)))


if __name__ == "__main__":
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else table.newest(Path(__file__).parent / "results")
    write_section(json.loads(results.read_text()), results.name)
