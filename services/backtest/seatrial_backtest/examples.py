"""Example bodies of the OpenAPI page."""

from typing import Any

DATASET_ID = "9b2f0c5f1d1b8f0f6f5b8f6c6f1a4f0e2d1c0b9a8f7e6d5c4b3a291807f6e5d4"
UPLOAD = {
    "symbol": "AAPL",
    "candles": {
        "time": [951868800000, 951955200000],
        "open": [118.56, 127.0],
        "high": [132.06, 127.94],
        "low": [118.5, 120.69],
        "close": [130.31, 122.0],
        "volume": [9616100, 2779100],
    },
}
DATASET = {
    "id": DATASET_ID,
    "symbol": "AAPL",
    "bars": 2,
    "interval_ms": 86400000,
    "first_at": "2000-03-01T00:00:00Z",
    "last_at": "2000-03-02T00:00:00Z",
    "data_quality": {"bars": 2, "gaps": 0, "missing_bars": 0, "naive_timestamps": 0},
}
REQUEST = {"dataset": DATASET_ID, "strategy": "rsi_bollinger", "params": {"rsi_period": 14}}
JOB = {
    "id": "4c1d0c5f1d1b8f0f6f5b8f6c6f1a4f0e2d1c0b9a8f7e6d5c4b3a291807f6e5d4",
    "status": "succeeded",
    "progress_ratio": 1.0,
    "request": REQUEST,
    "error": None,
    "created_at": "2026-11-23T12:00:00Z",
    "finished_at": "2026-11-23T12:00:01Z",
    "attempts": 1,
}
RESULT = {
    "schema": 1,
    "assumptions": {"fee": 0.001, "slippage_bps": 0.0, "size": "equity:1.0", "intrabar": "worst"},
    "manifest": {"sha256": DATASET_ID},
    "metrics": {"final_equity": 10210.5, "total_trades": 24, "max_drawdown": 0.12},
    "undefined": {},
    "bounds": {
        "ambiguous_bars": 1,
        "final_equity": {"low": 10105.2, "high": 10210.5, "q05": 10105.2, "q50": 10157.9, "q95": 10210.5},
    },
    "without_forced_exits": None,
    "benchmark": {"name": "buy_and_hold", "metrics": {"total_return": 0.01}, "undefined": {}, "excess_return": 0.011},
    "trades": [],
    "equity": {"time": [951868800000], "value": [10000.0]},
    "rejected_signals": [],
    "data_quality": {},
}
STRATEGY = {"name": "rsi_bollinger", "version": "1", "summary": "long when RSI is oversold", "params": {}}


def answer(example: object, status: int = 200) -> dict[int | str, dict[str, Any]]:  # Any: OpenAPI
    """Return the `responses` of a route with an example."""
    return {status: {"content": {"application/json": {"example": example}}}}


def page(example: object) -> dict[str, object]:
    """Return a list's body with one item."""
    return {"items": [example], "next_cursor": None}
