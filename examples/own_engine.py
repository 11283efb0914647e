"""Your own engine behind HTTP: monitored by a collector, and a target for `seatrial stress run`.

SEATRIAL_ENVIRONMENT=stress python examples/own_engine.py 5050
seatrial stress run --target http://127.0.0.1:5050 --plan api_failure
"""

import itertools
import sys
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI, Header

from seatrial.monitoring import MetricsCollector

Json = dict[str, Any]

app = FastAPI(title="My engine")
# SEATRIAL_ENVIRONMENT labels its trades: live, paper, or stress, which never counts as trading.
metrics = MetricsCollector(engine="my-engine", account="main")
numbers = itertools.count(1)
lock = threading.Lock()
orders: dict[str, Json] = {}  # by client_order_id: the same order sent twice is one order
fills: list[Json] = []

# After these faults the exchange has no such order; after any other the order exists there, or is resent and filled.
NEVER_EXECUTED = {"connect_refused", "timeout"}


@app.post("/v1/signals")
def signal(body: Json, seatrial_fault: str | None = Header(None)) -> Json:
    """Trade a signal; the answer has the order's id and status."""
    started = time.perf_counter()
    with lock:
        order = orders.get(body["client_order_id"]) or place(body, fault=seatrial_fault)
    metrics.record_trade(body.get("strategy", "manual"), body["action"], order["status"], time.perf_counter() - started)
    return {**order, "order_id": order["id"]}


def place(body: Json, fault: str | None) -> Json:
    """Send an order to the exchange (here: fill it at the signal's price) and record it."""
    # The stress test injects exchange failures as faults; a real engine asks its exchange for the status of the order.
    refused = fault in NEVER_EXECUTED
    metrics.record_api_latency("place_order", 0.0, ok=fault is None)
    order = {
        "id": f"order-{next(numbers)}",
        "client_order_id": body["client_order_id"],
        "symbol": body["symbol"],
        "side": "BUY" if body["action"] == "buy" else "SELL",
        "quantity": body["quantity"],
        "status": "rejected" if refused else "filled",
    }
    orders[body["client_order_id"]] = order
    if not refused:
        fills.append(
            {
                "id": f"fill-{next(numbers)}",
                "order_id": order["id"],
                "quantity": body["quantity"],
                "price": body["price"],
            }
        )
    return order


@app.post("/v1/orders/check")
def check(body: Json) -> Json:
    """Return whether an order would be accepted, without placing it."""
    return {"accepted": "symbol" in body}


@app.get("/v1/orders")
def list_orders(limit: int = 100, cursor: int = 0) -> Json:
    """List the orders, from which the stress test proves that no acknowledged order is lost or duplicated."""
    return page(list(orders.values()), limit, cursor)


@app.get("/v1/ledger")
def list_fills(limit: int = 100, cursor: int = 0) -> Json:
    """List the fills."""
    return page(fills, limit, cursor)


def page(rows: list[Json], limit: int, cursor: int) -> Json:
    """Return a page of rows and the cursor of the next one."""
    end = cursor + limit
    return {"items": rows[cursor:end], "next_cursor": str(end) if end < len(rows) else None}


if __name__ == "__main__":
    metrics.open_account(10_000)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
