"""Example answers of the routes, for the OpenAPI page."""

from seatrial_core.json_types import Json

RULE: Json = {
    "name": "max_drawdown",
    "metric": "drawdown_ratio",
    "comparison": "above",
    "threshold": 0.1,
    "for_seconds": 0.0,
    "keep_firing_seconds": 0.0,
    "recovery": None,
    "samples_metric": "",
    "minimum_samples": 0,
    "scopes": ["portfolio", "account"],
    "severity": "critical",
    "no_data": "hold",
    "repeat_seconds": 14400.0,
    "action": "none",
    "summary": "The drawdown from the equity peak is above its limit.",
}
THRESHOLDS_EXAMPLE = {
    "max_drawdown": 0.1,
    "win_rate_min": 0.45,
    "daily_loss_limit": 0.05,
    "api_latency_max": 5.0,
    "error_rate_max": 0.05,
}
ALERT: Json = {
    "id": "0f3c2a6f5d0e4a4f8f6b3f1f2a1b0c9d",
    "rule": "max_drawdown",
    "environment": "paper",
    "scope": "portfolio",
    "severity": "critical",
    "status": "firing",
    "summary": "The drawdown from the equity peak is above its limit.",
    "metric": "drawdown_ratio",
    "threshold": 0.1,
    "value": 0.124,
    "fired_at": "2026-01-05T14:30:00Z",
    "resolved_at": None,
    "recorded_at": "2026-01-05T14:30:00.213Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "is_stale": False,
}
STEP: Json = {
    "kind": "firing",
    "at": "2026-01-05T14:30:00Z",
    "recorded_at": "2026-01-05T14:30:00.213Z",
    "value": 0.124,
    "reason": "drawdown_ratio is 0.124, threshold 0.1: fired",
}
SILENCE: Json = {
    "id": "6b0b7d5c7d0f4d0c9a3e8a4f0f5b6c7d",
    "rule": "api_latency_max",
    "scope": None,
    "reason": "the venue announced maintenance",
    "created_by": "ada",
    "created_at": "2026-01-05T14:00:00Z",
    "expires_at": "2026-01-05T16:00:00Z",
}
SILENCE_REQUEST = {name: value for name, value in SILENCE.items() if name not in {"id", "created_at"}}
DELIVERY: Json = {
    "key": "0f3c2a6f5d0e4a4f8f6b3f1f2a1b0c9d/1/firing/webhook",
    "alert_id": "0f3c2a6f5d0e4a4f8f6b3f1f2a1b0c9d",
    "channel": "webhook",
    "at": "2026-01-05T14:30:00.310Z",
    "attempt": 1,
    "outcome": "delivered",
    "status_code": 200,
    "detail": "",
    "seconds": 0.012,
}

BREAKER: Json = {
    "state": "halted",
    "alert_id": "0f3c2a6f5d0e4a4f8f6b3f1f2a1b0c9d",
    "actor": "seatrial-alerts",
    "reason": "max_drawdown [paper, portfolio]: drawdown_ratio is 0.124, threshold 0.1: fired",
    "commanded_at": "2026-01-05T14:30:00.213Z",
    "attempts": 1,
    "problem": None,
}
RESUME = {"by": "ada", "reason": "position closed by hand, cause understood"}


def answer(example: object, status: int = 200) -> dict[int | str, Json]:
    """Return one example answer in the form of OpenAPI."""
    return {status: {"content": {"application/json": {"example": example}}}}
