"""HEAD for every route that has GET, OPTIONS for every path, and Allow with all methods of a path."""

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class MethodHandling:
    """Answer HEAD as GET without a body and OPTIONS with the methods; complete the Allow header of a 405.

    Args:
        app: The application, or what is between.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless it is OPTIONS."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        if scope["method"] == "OPTIONS" and (allow := allowed_methods(scope).encode()):
            await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow)]})
            await send({"type": "http.response.body", "body": b""})
            return

        async def send_adapted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 405:
                headers = [header for header in message["headers"] if header[0] != b"allow"]
                message = {**message, "headers": [*headers, (b"allow", allowed_methods(scope).encode())]}
            elif message["type"] == "http.response.body" and is_head:
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send_adapted)


def allowed_methods(scope: Scope) -> str:
    """Return the methods of a path, as in an Allow header; empty for a path that has none."""
    routes: list[BaseRoute] = scope["app"].router.routes
    methods = [method for method in METHODS if _is_served(routes, scope, method)]
    if "GET" in methods:
        methods.append("HEAD")
    return ", ".join([*methods, "OPTIONS"] if methods else [])


def _is_served(routes: list[BaseRoute], scope: Scope, method: str) -> bool:
    return any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
