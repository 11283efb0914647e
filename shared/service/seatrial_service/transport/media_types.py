"""The media types a route accepts; JSON alone by default, which a page of another origin cannot send unasked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from seatrial_service.transport.refusals import TransportRefusals

JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")
ANY = "*/*"
MAX_QUOTE = 100


@dataclass(frozen=True)
class MediaTypeRules:
    """What bodies may be, by path.

    Args:
        by_path: Further media types by path; a path applies to those below it too, "" to all. `*/*`
            admits everything, for routes whose request carries a signature or a secret that no browser adds.
    """

    by_path: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def further(self, path: str) -> tuple[str, ...]:
        """Return what a path accepts besides JSON."""
        for prefix, media_types in self.by_path.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return media_types
        return ()


class MediaTypeCheck:
    """Refuse bodies of another media type: 415.

    Args:
        app: The next application.
        rules: What each path accepts.
        refusals: Counts and logs what is refused.
    """

    def __init__(self, app: ASGIApp, rules: MediaTypeRules, refusals: TransportRefusals) -> None:
        self.app = app
        self.rules = rules
        self.refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it has no body or one of an accepted type."""
        if scope["type"] != "http" or not _has_body(scope):
            await self.app(scope, receive, send)
            return
        further = self.rules.further(scope["path"])
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]
        media_type = sent[0].partition(";")[0].strip().lower() if len(sent) == 1 else ""
        if ANY in further or media_type in further or JSON.fullmatch(media_type):
            await self.app(scope, receive, send)
            return
        accepted = " or ".join(("application/json", *further))
        quoted = repr(", ".join(sent)[:MAX_QUOTE]) if sent else "missing"
        await self.refusals.send(
            scope, send, 415, "unsupported_media_type", f"the Content-Type of the body was {quoted}; send {accepted}"
        )


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0").strip(b" 0") != b"" or b"transfer-encoding" in headers
