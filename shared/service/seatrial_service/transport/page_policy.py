"""The content security policy of an HTML page: its own files, and its inline scripts and styles by hash."""

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
INLINE_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
CLOSED = "frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'"


def static_page_policy(html: str) -> str:
    """Return the policy of a page that loads nothing and runs no script.

    Args:
        html: The page; its inline styles are admitted by their hash.
    """
    return f"default-src 'none'; style-src {_hashes(INLINE_STYLE.findall(html))}; {CLOSED}"


def script_page_policy(html: str) -> str:
    """Return the policy of a page that runs its own scripts, as Swagger UI and Locust's page do.

    Args:
        html: The page; its inline scripts are admitted by their hash. Its scripts write styles of their own.
    """
    scripts = _hashes(INLINE_SCRIPT.findall(html))
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; {CLOSED}"
    )


class PagePolicy:
    """Give every HTML response without a policy the one that its own inline scripts need.

    Args:
        app: An application whose pages are small and sent at once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a page is sent when its body is known."""
        start: Message | None = None

        async def send_with_policy(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _needs_policy(message):
                start = message
                return
            if start is not None:
                html = message.get("body", b"").decode("utf-8", errors="replace")
                policy = (b"content-security-policy", script_page_policy(html).encode())
                page, start = {**start, "headers": [*start["headers"], policy]}, None
                await send(page)
            await send(message)

        await self.app(scope, receive, send_with_policy)


def _needs_policy(message: Message) -> bool:
    headers = dict(message["headers"])
    is_html = headers.get(b"content-type", b"").startswith(b"text/html")
    return is_html and b"content-security-policy" not in headers


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
