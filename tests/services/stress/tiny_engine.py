"""A small engine on a real port with planted faults: lost, duplicated, delayed or unanswered orders."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn

Message = dict[str, Any]
Reply = tuple[int, Any]
REFUSES = {"connect_refused", "timeout"}


@dataclass
class TinyEngine:
    """An ASGI engine that keeps orders in a dict.

    Args:
        loses: Every n-th acknowledged order is not recorded; 0 for none.
        hangs: Whether orders are never answered.
        stall: Start and end, in seconds after the first order, of a time without answers.
        is_idempotent: Whether a repeated key returns the recorded order.
        has_records: Whether it lists orders and fills.
        status: The HTTP status of the answer to an order.
    """

    loses: int = 0
    hangs: bool = False
    stall: tuple[float, float] = (0.0, 0.0)
    is_idempotent: bool = True
    has_records: bool = True
    status: int = 200
    orders: dict[str, Message] = field(default_factory=dict)
    fills: list[Message] = field(default_factory=list)
    answered: int = 0
    requests: int = 0
    tokens: set[str] = field(default_factory=set)
    first_at: float | None = None

    async def __call__(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]
    ) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests += 1
        self.tokens.add(headers.get("authorization", "").removeprefix("Bearer "))
        status, answer = await self._answer(scope, body, headers.get("seatrial-fault"))
        content = json.dumps(answer).encode()
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Mapping[str, Any], body: bytes, fault: str | None) -> Reply:
        if scope["path"] == "/v1/signals":
            return await self._signal(json.loads(body), fault)
        if scope["path"] == "/v1/orders/check":
            return 200, {"accepted": True}
        if not self.has_records:
            return 404, {"detail": "not found"}
        rows = self.fills if scope["path"] == "/v1/ledger" else list(self.orders.values())
        limit = int(parse_qs(scope["query_string"].decode()).get("limit", ["100"])[0])
        start = int(parse_qs(scope["query_string"].decode()).get("cursor", ["0"])[0])
        more = str(start + limit) if len(rows) > start + limit else None
        return 200, {"items": rows[start : start + limit], "next_cursor": more}

    async def _signal(self, signal: Message, fault: str | None) -> Reply:
        now = asyncio.get_running_loop().time()
        self.first_at = now if self.first_at is None else self.first_at
        if self.hangs:
            await asyncio.sleep(60)
        begin, end = (self.first_at + offset for offset in self.stall)
        if begin <= now < end:
            await asyncio.sleep(end - now)
        if self.status != 200:
            return self.status, {"detail": "no"}
        self.answered += 1
        key = signal["client_order_id"]
        if key in self.orders and self.is_idempotent:
            return 200, self._response(self.orders[key])
        refused = fault in REFUSES
        order = {
            "id": f"o{self.answered}",
            "client_order_id": key,
            "status": "rejected" if refused else "filled",
            "quantity": signal["quantity"],
            "side": "BUY",
        }
        if self.loses and self.answered % self.loses == 0:
            return 200, self._response(order)
        self.orders[key if self.is_idempotent else f"{key}/{self.answered}"] = order
        if not refused:
            fill = {"id": f"f{self.answered}", "order_id": order["id"], "quantity": order["quantity"]}
            self.fills.append({**fill, "price": signal["price"]})
        return 200, self._response(order)

    def _response(self, order: Message) -> Message:
        return {**order, "order_id": order["id"]}


@contextmanager
def serving(engine: TinyEngine, certificate: Path | None = None) -> Iterator[str]:
    """Serve an engine on a free loopback port, over TLS with a PEM file of key and certificate; yields its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        engine,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        lifespan="off",
        ssl_certfile=certificate,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        origin = "https://localhost" if certificate else "http://127.0.0.1"
        yield f"{origin}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
