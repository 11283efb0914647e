"""Example requests and responses for the OpenAPI document."""

from typing import Any

RUN: dict[str, Any] = {
    "id": "9c1d7a4e02bf",
    "plan": "high_frequency",
    "target": "http://127.0.0.1:5000",
    "origin": "api",
    "status": "running",
    "progress_ratio": 0.35,
    "verdict": None,
    "error": None,
    "created_at": "2026-01-05T14:30:00Z",
    "finished_at": None,
    "report": None,
}
PLANS = [{"name": "high_frequency", "rate_per_second": 60}]
REQUEST = {"plan": "high_frequency", "duration_seconds": 20, "seed": 7}


def example_response(example: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` entry of one example."""
    return {status: {"content": {"application/json": {"example": example}}}}
