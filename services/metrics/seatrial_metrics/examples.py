"""Examples of requests and responses for the OpenAPI page."""

from seatrial_core.json_types import Json

EVENTS: list[Json] = [
    {
        "id": "account-1",
        "type": "account",
        "occurred_at": "2026-11-23T09:00:00Z",
        "account": "main",
        "opening_balance": "10000",
        "currency": "USD",
    },
    {
        "id": "fill-1",
        "type": "trade",
        "occurred_at": "2026-11-23T09:30:00Z",
        "account": "main",
        "strategy": "rsi_bollinger",
        "symbol": "AAPL",
        "side": "BUY",
        "status": "filled",
        "quantity": "10",
        "price": "187.20",
        "duration_seconds": 0.02,
    },
    {
        "id": "equity-1",
        "type": "equity",
        "occurred_at": "2026-11-23T09:30:00Z",
        "account": "main",
        "equity": "9998.13",
        "cash": "8126.13",
        "open_positions": 1,
        "risk_at_stop": "37.44",
    },
]
CONFLICTS = {
    "items": [
        {
            "environment": "live",
            "account": "main",
            "type": "trade",
            "event_id": "fill-1",
            "number": 7,
            "engine": "default",
            "body": {"id": "fill-1", "type": "trade", "pnl": "-21.4"},
            "times": 2,
            "first_received_at": "2026-11-23T09:31:00Z",
            "last_received_at": "2026-11-23T09:36:00Z",
        }
    ],
    "next_cursor": None,
}
ACCEPTED = {
    "accepted": 2,
    "duplicates": 0,
    "rejected": [{"index": 2, "code": "invalid_event", "detail": "`trade.price` was -1: must not be negative"}],
}
LISTED = {
    "items": [
        {
            "sequence": 3,
            "received_at": "2026-11-23T09:30:00.120000Z",
            "id": "equity-1",
            "type": "equity",
            "occurred_at": "2026-11-23T09:30:00Z",
            "engine": "default",
            "account": "main",
            "strategy": "",
            "symbol": "",
            "environment": "live",
            "equity": "9998.13",
        }
    ],
    "next_cursor": None,
}
EQUITY = {
    "environment": "live",
    "account": "main",
    "items": [
        {
            "occurred_at": "2026-11-23T09:30:00Z",
            "equity": 9998.13,
            "high_water_mark": 10000.0,
            "max_drawdown_ratio": 0.000187,
        }
    ],
}
_VALUES = {
    "equity": 9998.13,
    "high_water_mark": 10000.0,
    "drawdown_ratio": 0.000187,
    "max_drawdown_ratio": 0.000187,
    "pnl": -1.87,
    "realised_pnl": 0.0,
    "session_pnl": -1.87,
    "session_loss_ratio": 0.000187,
    "cash": 8126.13,
    "open_positions": 1.0,
    "risk_at_stop": 37.44,
    "risk_ratio": 0.003745,
    "closed_trades": 0.0,
    "wins": 0.0,
    "losses": 0.0,
    "flats": 0.0,
    "win_rate_ratio": None,
}
_UNDEFINED = {"win_rate_ratio": "0 closed trades, needs at least 1"}
SNAPSHOT = {
    "as_of": "2026-11-23T09:30:01Z",
    "sequence": 3,
    "items": [
        {
            "environment": "live",
            "account": None,
            "strategy": None,
            "endpoint": None,
            "engine": None,
            "occurred_at": "2026-11-23T09:30:00Z",
            "values": {**_VALUES, "error_ratio": 0.0, "error_ratio_samples": 1.0},
            "undefined": _UNDEFINED,
        }
    ],
}
ENGINES = {
    "as_of": "2026-11-23T09:30:01Z",
    "items": [
        {
            "environment": "live",
            "engine": "bot-1",
            "last_occurred_at": "2026-11-23T09:30:00Z",
            "last_event_age_seconds": 1.0,
            "heartbeat_at": "2026-11-23T09:29:58Z",
            "heartbeat_age_seconds": 3.0,
            "in_service": True,
        }
    ],
}
PERFORMANCE = {
    "environment": ["live", "paper", "replay"],
    "as_of": "2026-11-23T09:30:01Z",
    "sequence": 3,
    "metrics": _VALUES,
    "undefined": _UNDEFINED,
    "accounts": [
        {
            "environment": "live",
            "account": "main",
            "currency": "USD",
            "opening_balance": 10000.0,
            "late_events": 0,
            "last_occurred_at": "2026-11-23T09:30:00Z",
            "metrics": _VALUES,
            "undefined": _UNDEFINED,
        }
    ],
}
PAGE = "# HELP trades_total Trades by strategy, side and status.\n# TYPE trades_total counter\n"


def answer(example: object, description: str = "OK") -> Json:
    """Return one response of the OpenAPI page with an example."""
    return {"description": description, "content": {"application/json": {"example": example}}}
