"""Response headers that restrict what browsers and caches do with a response."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = b"content-security-policy"
# No part of a JSON answer is a page; a page sets its own policy.
NOTHING = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
DEFAULTS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    # With "no-referrer" the forms of a page would lack the origin that the check of origins reads.
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
    CONTENT_SECURITY_POLICY: NOTHING,
}
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")


class ResponseHeaders:
    """Add the headers to every response that does not set its own.

    Args:
        app: The next application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in DEFAULTS.items() if name not in present]
                if scope["scheme"] == "https":
                    headers.append(TRANSPORT_SECURITY)
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_completed)
