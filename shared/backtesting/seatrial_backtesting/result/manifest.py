"""What a result was made of, and hashes that are the same in every process and on every machine."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from seatrial_trading.matching import ExecutionConfig, Simulation
from seatrial_trading.quant.candles import Candles

# Raised whenever the same inputs may give other numbers; part of every hash.
ENGINE_REVISION = 2
COLUMNS = ("time_ms", "open", "high", "low", "close", "volume")

Json = dict[str, Any]  # Any: JSON


def data_sha256(candles: Candles) -> str:
    """Return the identity of bars: symbol, interval and every number, whatever they were read from."""
    digest = hashlib.sha256(f"{candles.symbol}\n{candles.interval_ms}\n{len(candles)}\n".encode())
    for name in COLUMNS:
        digest.update(little_endian(getattr(candles, name)))
    return digest.hexdigest()


def inputs(data: Json, strategy: Json, config: ExecutionConfig, finer: Json | None = None) -> Json:
    """Return everything that the numbers of a run depend on."""
    inside = {} if finer is None else {"finer": finer}
    return {
        "engine_revision": ENGINE_REVISION,
        "data": data,
        "strategy": strategy,
        "execution": dataclasses.asdict(config),
        **inside,
    }


def data_facts(candles: Candles, sha256: str | None = None) -> Json:
    """Return what identifies the bars of a run."""
    return {
        "symbol": candles.symbol,
        "bars": len(candles),
        "interval_ms": candles.interval_ms,
        "sha256": sha256 or data_sha256(candles),
    }


def request_sha256(made_of: Json) -> str:
    """Return the identity of a run before it is run."""
    return _sha256(made_of)


def manifest(made_of: Json, simulation: Simulation, told: Mapping[str, Any]) -> Json:
    """Return the manifest of a result.

    `sha256` covers inputs and everything told; `trades_sha256` only trades and equity, so that two ways to the same
    trades can be compared. Library versions are noted but not hashed.
    """
    trades = hashlib.sha256(little_endian(simulation.table))
    trades.update(little_endian(simulation.equity))
    numbers = trades.hexdigest()
    return {
        "sha256": _sha256({**made_of, "numbers": numbers, "told": told}),
        "request_sha256": request_sha256(made_of),
        "trades_sha256": numbers,
        **made_of,
        "libraries": dict(_libraries()),
    }


def little_endian(array: np.ndarray[Any, Any]) -> bytes | memoryview:  # Any: shape and number type
    """Return the bytes of an array as every machine would write them."""
    ordered = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return ordered.tobytes() if ordered.ndim != 1 else ordered.data.cast("B")


def _sha256(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    found = []
    for name in ("seatrial-backtest", "numpy", "numba"):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)
