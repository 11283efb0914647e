"""How a rival takes part in the cross-check: reads bars and signals, prints its trades and final equity as JSON."""

import json
import sys
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

CASH, FEE = 1_000_000.0, 0.001
Columns = dict[str, np.ndarray]
Rows = list[tuple[int, float, int, float, float]]  # bar and price of entry and of exit, quantity


def answer(trade: Callable[[Columns], tuple[Rows, float]], package: str) -> None:
    """Run `SCRIPT BARS.npz...` and print one line for each file."""
    for path in sys.argv[1:]:
        with np.load(path) as stored:
            columns = {name: stored[name] for name in stored.files}
        rows, final = trade(columns)
        trades = [[int(a), float(b), int(c), float(d), float(e)] for a, b, c, d, e in rows]
        print(json.dumps({"trades": trades, "final": float(final), "version": version(package)}), flush=True)
