"""The web pages that may change something here: a service's own, and those of configured origins."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.rule_list import MAX_QUOTE, parse_rule_list

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({b"same-origin", b"none"})
ORIGIN = re.compile(r"https?://[a-z0-9_.\[\]:-]{1,255}")
VARIABLE = "SEATRIAL_ALLOWED_ORIGINS"
EXPECTED = "an origin; give scheme, host and port only, separated by commas, for example https://console.example.com"


@dataclass(frozen=True)
class OriginRules:
    """Origins whose pages may send requests that change something, in addition to the service's own."""

    origins: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "OriginRules":
        """Read `https://name,http://name:port`.

        Raises:
            SettingsError: A part is not an origin.
        """
        return cls(parse_rule_list(VARIABLE, text, _is_origin, EXPECTED))


class OriginCheck:
    """Refuse what a page of another origin sends, except reading: browsers say where a request comes from.

    Args:
        app: The next application.
        rules: The accepted origins.
        refusals: Counts and logs what is refused.
    """

    def __init__(self, app: ASGIApp, rules: OriginRules, refusals: TransportRefusals) -> None:
        self.app = app
        self.rules = rules
        self.refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if no page of another origin sent it."""
        if scope["type"] == "websocket":
            if self._foreign_page(scope) is not None:
                self.refusals.record_request("foreign_origin", scope)
                await send({"type": "websocket.close", "code": 1008})
                return
        elif scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            page = self._foreign_page(scope)
            if page is not None:
                detail = (
                    f"{page} may not send {scope['method']} requests to this service; call it from its own pages or "
                    "a program, or add the page's origin to SEATRIAL_ALLOWED_ORIGINS"
                )
                await self.refusals.send(scope, send, 403, "foreign_origin", detail)
                return
        await self.app(scope, receive, send)

    def _foreign_page(self, scope: Scope) -> str | None:
        headers = scope["headers"]
        origins = [value.decode("latin-1").lower() for name, value in headers if name == b"origin"]
        sites = [value.lower() for name, value in headers if name == b"sec-fetch-site"]
        # A page that sends no referrer posts its forms with the origin "null"; the browser still says they are its own.
        if origins and not (origins == ["null"] and sites == [b"same-origin"]):
            is_accepted = len(origins) == 1 and (origins[0] in self.rules.origins or _is_own(scope, origins[0]))
            return None if is_accepted else f"a page of {origins[0][:MAX_QUOTE]!r}"
        return None if all(site in OWN_SITES for site in sites) else "a page of another site"


def _is_origin(text: str) -> bool:
    return ORIGIN.fullmatch(text) is not None


def _is_own(scope: Scope, origin: str) -> bool:
    host = next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")
    scheme, _, authority = origin.partition("://")
    if scheme not in {"http", "https"} or (scheme == "http" and scope["scheme"] in {"https", "wss"}):
        return False
    # A proxy that ends TLS may not say so: an https page of this host is then our own.
    return _without_default_port(scheme, authority) == _without_default_port(scheme, host) != ""


def _without_default_port(scheme: str, authority: str) -> str:
    try:
        parts = urlsplit(f"//{authority}")
        default = 443 if scheme == "https" else 80
        return f"{parts.hostname}:{parts.port or default}" if parts.hostname else ""
    except ValueError:
        return ""
