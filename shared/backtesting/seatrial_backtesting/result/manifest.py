"""The manifest of a result: its inputs, and hashes that are equal in every process and on every machine."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from seatrial_core.json_types import Json
from seatrial_trading.matching import ExecutionConfig, Simulation
from seatrial_trading.quant.candles import Candles

# Increased whenever the same inputs may give other numbers; part of every hash.
ENGINE_REVISION = 2
COLUMNS = ("time_ms", "open", "high", "low", "close", "volume")


def data_sha256(candles: Candles) -> str:
    """Return the hash of bars: symbol, interval and every number, independent of the source's format."""
    digest = hashlib.sha256(f"{candles.symbol}\n{candles.interval_ms}\n{len(candles)}\n".encode())
    for name in COLUMNS:
        digest.update(little_endian(getattr(candles, name)))
    return digest.hexdigest()


def build_inputs(data: Json, strategy: Json, config: ExecutionConfig, finer: Json | None = None) -> Json:
    """Return everything that the numbers of a run depend on.

    Args:
        data: Identity of the bars, from `data_identity`.
        strategy: Identity of the strategy.
        config: Execution settings.
        finer: Identity of the bars of a shorter interval, if any.
    """
    return {
        "engine_revision": ENGINE_REVISION,
        "data": data,
        "strategy": strategy,
        "execution": dataclasses.asdict(config),
        **({} if finer is None else {"finer": finer}),
    }


def data_identity(candles: Candles, sha256: str | None = None) -> Json:
    """Return symbol, number of bars, interval and hash of the bars of a run."""
    return {
        "symbol": candles.symbol,
        "bars": len(candles),
        "interval_ms": candles.interval_ms,
        "sha256": sha256 or data_sha256(candles),
    }


def request_sha256(inputs: Json) -> str:
    """Return the hash of the inputs of a run, known before it starts."""
    return _sha256(inputs)


def build_manifest(inputs: Json, simulation: Simulation, results: Mapping[str, Any]) -> Json:
    """Return the manifest of a result.

    `sha256` covers inputs and results; `trades_sha256` only trades and equity, so that two strategies that make the
    same trades compare equal. Library versions are listed but not hashed.

    Args:
        inputs: Everything that the numbers depend on, from `build_inputs`.
        simulation: Trades and equity.
        results: The other results, as JSON.
    """
    trades = hashlib.sha256(little_endian(simulation.table))
    trades.update(little_endian(simulation.equity))
    numbers = trades.hexdigest()
    return {
        # The key of the results is part of every stored hash; it must not change.
        "sha256": _sha256({**inputs, "numbers": numbers, "told": results}),
        "request_sha256": request_sha256(inputs),
        "trades_sha256": numbers,
        **inputs,
        "libraries": dict(_libraries()),
    }


def little_endian(array: np.ndarray[Any, Any]) -> bytes | memoryview:  # Any: shape and number type
    """Return the bytes of an array in little-endian order on every machine."""
    ordered = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return ordered.tobytes() if ordered.ndim != 1 else ordered.data.cast("B")


def _sha256(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _libraries() -> tuple[tuple[str, str], ...]:
    versions = []
    for name in ("seatrial-backtesting", "numpy", "numba"):
        try:
            versions.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(versions)
