"""Examples of the engine's answers, for the OpenAPI page."""

from seatrial_core.json_types import Json

ORDER: Json = {
    "id": "0f5c2d",
    "client_order_id": "my-1",
    "account": "default",
    "strategy": "manual",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.1",
    "status": "filled",
    "reason": None,
    "price": "50000",
    "fee": "5",
    "pnl": None,
    "stop_loss": "49000",
    "take_profit": None,
    "environment": "paper",
    "created_at": "2026-11-23T12:00:00Z",
    "filled_at": "2026-11-23T12:00:00Z",
}
RESULT: Json = {"order_id": "0f5c2d", **{k: v for k, v in ORDER.items() if k != "id"}, "repeated": False, "errors": []}
SIGNAL: Json = {"symbol": "BTCUSDT", "action": "buy", "strategy": "rsi_bollinger", "price": "50000"}
POSITION: Json = {
    "account": "default",
    "symbol": "BTCUSDT",
    "strategy": "manual",
    "quantity": "0.1",
    "entry_price": "50000",
    "mark_price": "50500",
    "unrealised_pnl": "50",
    "stop_loss": "49000",
    "take_profit": None,
    "opened_at": "2026-11-23T12:00:00Z",
}
ACCOUNT: Json = {
    "account": "default",
    "environment": "paper",
    "opening_balance": "10000",
    "cash": "4995",
    "equity": "10045",
    "open_positions": 1,
    "state": "active",
}
CONTROL: Json = {"state": "halted", "actor": "alerts", "reason": "max_drawdown", "changed_at": "2026-11-23T12:00:00Z"}
REPLAY: Json = {
    "id": "demo",
    "status": "running",
    "steps_done": 100,
    "steps_total": 3270,
    "error": None,
    "trades": 4,
    "events_pending": 250,
}


def page(item: Json) -> Json:
    """Return a page with one item."""
    return {"items": [item], "next_cursor": None}


def answer(example: object, description: str = "OK") -> Json:
    """Return the OpenAPI response with an example."""
    return {"description": description, "content": {"application/json": {"example": example}}}


def answers(example: object) -> dict[int | str, Json]:
    """Return the OpenAPI response of status 200 with an example."""
    return {200: answer(example)}
