"""Compares the engine's trades with the backtest's, one by one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# What must be the same to the letter, and what to 1e-9 relative (decimal texts and binary floats meet here).
EXACT = ("symbol", "side", "entry_index", "exit_index", "exit_reason")
CLOSE = ("entry_price", "exit_price", "quantity", "pnl")
RELATIVE = 1e-9

Trade = Mapping[str, Any]  # Any: the row of the wire, texts and numbers


def first_difference(engine: Sequence[Trade], backtest: Sequence[Trade]) -> dict[str, Any] | None:
    """Return where two trade lists part, or None when they agree trade for trade.

    Args:
        engine: Closed trades of one symbol, in order.
        backtest: The same of the backtest.
    """
    for number, (ours, theirs) in enumerate(zip(engine, backtest, strict=False), start=1):
        for field in (*EXACT, *CLOSE):
            if not _same(field, ours.get(field), theirs.get(field)):
                return {
                    "trade": number,
                    "field": field,
                    "symbol": ours.get("symbol"),
                    "engine": ours.get(field),
                    "backtest": theirs.get(field),
                }
    if len(engine) != len(backtest):
        longer = engine if len(engine) > len(backtest) else backtest
        number = min(len(engine), len(backtest)) + 1
        return {
            "trade": number,
            "field": "count",
            "symbol": longer[number - 1].get("symbol"),
            "engine": len(engine),
            "backtest": len(backtest),
        }
    return None


def _same(field: str, ours: object, theirs: object) -> bool:
    if ours is None or theirs is None:
        return False
    if field in EXACT:
        return ours == theirs
    return math.isclose(float(str(ours)), float(str(theirs)), rel_tol=RELATIVE, abs_tol=0.0)
