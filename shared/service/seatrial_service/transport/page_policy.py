"""The content security policy of an HTML page: its own files, and its inline scripts and styles by hash."""

import base64
import hashlib
import re
from collections.abc import Iterable

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


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
