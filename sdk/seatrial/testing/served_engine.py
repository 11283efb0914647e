"""Serves an engine object on a free loopback port, with the routes of an engine service."""

import asyncio
import contextlib
import inspect
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn

Message = dict[str, Any]  # Any: ASGI and JSON
RECORD_METHODS = {"/v1/orders": "get_orders", "/v1/ledger": "get_fills"}
MAX_CONCURRENT = 64


class EngineAdapter:
    """An ASGI application over an object with `process_signal(dict)`.

    If the object has `get_orders()` and `get_fills()`, they return lists of dicts with the keys of the engine
    service's.
    If `process_signal` has a keyword `fault`, it receives the fault that the exchange has to inject.

    Args:
        engine: The engine under test.
    """

    def __init__(self, engine: Any) -> None:  # Any: the user's object
        self._engine = engine
        self._takes_fault = _takes_fault(engine.process_signal)
        self._busy = 0

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, answer = await self._answer(scope, body)
        content = json.dumps(answer, default=str).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Mapping[str, Any], body: bytes) -> tuple[int, object]:
        path = scope["path"]
        if path in RECORD_METHODS:
            method = getattr(self._engine, RECORD_METHODS[path], None)
            if not callable(method):
                return 404, {"detail": f"the engine has no {RECORD_METHODS[path]}()"}
            return await self._call(lambda: {"items": list(method()), "next_cursor": None})
        if path == "/v1/signals":
            signal = json.loads(body)
            fault = dict(scope["headers"]).get(b"seatrial-fault")
            options = {"fault": fault.decode()} if fault and self._takes_fault else {}
            return await self._call(lambda: self._engine.process_signal(signal, **options))
        if path == "/v1/orders/check":
            return 200, {"status": "checked"}
        return 404, {"detail": f"nothing at {path}"}

    async def _call(self, function: Callable[[], object]) -> tuple[int, object]:
        # One daemon thread per call, because a call that never returns must not block the test.
        if self._busy >= MAX_CONCURRENT:
            return 503, {"detail": f"{MAX_CONCURRENT} calls have not returned"}
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[int, object]] = loop.create_future()
        self._busy += 1

        def work() -> None:
            try:
                answer: tuple[int, object] = (200, function())
            except Exception as error:  # noqa: BLE001  an exception of the user's engine is its answer
                answer = (500, {"detail": f"{type(error).__name__}: {error}"})
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finish, answer)

        def finish(answer: tuple[int, object]) -> None:
            self._busy -= 1
            if not done.done():
                done.set_result(answer)

        threading.Thread(target=work, name="seatrial-stressed", daemon=True).start()
        return await done


@contextmanager
def served(engine: object) -> Iterator[str]:
    """Serve an engine until the block ends; yield its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            EngineAdapter(engine),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="seatrial-stress-target", daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(5)


def _takes_fault(method: Callable[..., object]) -> bool:
    try:
        return "fault" in inspect.signature(method).parameters
    except (TypeError, ValueError):
        return False
