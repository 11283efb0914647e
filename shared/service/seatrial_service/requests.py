"""ASGI middleware: request ids, unhandled errors and body limits."""

import re
import secrets
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seatrial_service import logs
from seatrial_service.shown_path import shown_path
from seatrial_service.transport.raw_problems import send_problem
from seatrial_service.transport.refusals import TransportRefusals

REQUEST_ID_HEADER = "x-request-id"
_SAFE_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


class RequestIdentity:
    """Give every request an id: the caller's if it is safe, else a new one; logs and responses carry it.

    An unhandled error is logged with its traceback; the response carries the id alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its id set."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(REQUEST_ID_HEADER.encode(), b"").decode("latin-1")
        identity = sent if _SAFE_ID.match(sent) else secrets.token_hex(8)
        mark = logs.request_id.set(identity)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (REQUEST_ID_HEADER.encode(), identity.encode())]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            logs.get().error("request_failed", path=shown_path(scope["path"]), exc_info=error)
            if started:
                raise
            await send_problem(
                send_with_id, 500, "internal_error", "this should not have happened; the log has the request id"
            )
        finally:
            logs.request_id.reset(mark)


class BodyLimit:
    """Refuse a body larger than the route's limit before it is read into memory.

    Args:
        default_bytes: The limit of all other paths.
        by_prefix: Limits by path prefix; the longest match applies.
        refusals: Counts and logs what is refused.
    """

    def __init__(
        self, app: ASGIApp, default_bytes: int, by_prefix: Mapping[str, int], refusals: TransportRefusals
    ) -> None:
        self.app = app
        self.refusals = refusals
        self.default_bytes = default_bytes
        self.by_prefix = sorted(by_prefix.items(), key=lambda pair: len(pair[0]), reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its bytes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = next((size for prefix, size in self.by_prefix if scope["path"].startswith(prefix)), self.default_bytes)
        declared = dict(scope["headers"]).get(b"content-length", b"")
        if declared.isdigit() and int(declared) > limit:
            await self._refuse(scope, send, limit)
            return
        received = 0
        refused = False

        async def counted() -> Message:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                refused = True
                await self._refuse(scope, send, limit)
                return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: Message) -> None:
            if not refused:
                await send(message)

        await self.app(scope, counted, send_unless_refused)

    async def _refuse(self, scope: Scope, send: Send, limit: int) -> None:
        detail = f"the body is larger than this route's limit of {limit} bytes; send it in parts"
        await self.refusals.send(scope, send, 413, "body_too_large", detail)
