"""Authorisation by bearer tokens with scopes."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from seatrial_core.errors import Forbidden, SettingsError, Unauthenticated

SCOPES = frozenset(
    {
        "events:write",
        "metrics:read",
        "alerts:read",
        "alerts:write",
        "engine:trade",
        "engine:control",
        "backtest:read",
        "backtest:run",
        "stress:read",
        "stress:run",
        "admin",
    }
)
DEFAULT_SECRETS = frozenset({"changeme", "change-me", "secret", "password", "token", "default", "test"})
MIN_TOKEN = 16


@dataclass(frozen=True)
class Tokens:
    """The tokens a service accepts, kept as hashes only."""

    scopes_by_hash: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def configured(self) -> bool:
        """Return whether any token is configured; without one a loopback service is open."""
        return bool(self.scopes_by_hash)

    @classmethod
    def parse(cls, text: str) -> "Tokens":
        """Read `token=scope,scope;token2=admin`.

        Raises:
            SettingsError: The text is malformed, a scope is unknown, or a token is a default secret or too short.
        """
        pairs = []
        for number, part in enumerate(filter(None, (piece.strip() for piece in text.split(";"))), start=1):
            token, separator, names = part.rpartition("=")
            scopes = frozenset(filter(None, (name.strip() for name in names.split(","))))
            if not separator or not scopes or not scopes <= SCOPES:
                unknown = ", ".join(sorted(scopes - SCOPES)) if separator else ""
                raise SettingsError(
                    f"SEATRIAL_TOKENS: entry {number} must read token=scope,scope with scopes of "
                    f"{', '.join(sorted(SCOPES))}; found {unknown or 'no scope'}"
                )
            if token.lower() in DEFAULT_SECRETS or len(token) < MIN_TOKEN:
                raise SettingsError(
                    f"SEATRIAL_TOKENS: entry {number} is a default secret or shorter than {MIN_TOKEN} characters; "
                    "make a random one, for example with `openssl rand -hex 24`"
                )
            pairs.append((sha256(token.encode()).hexdigest(), scopes))
        return cls(tuple(pairs))

    def scopes_of(self, token: str) -> frozenset[str]:
        """Return the scopes of a token; the empty set for an unknown one."""
        digest = sha256(token.encode()).hexdigest()
        granted: frozenset[str] = frozenset()
        for accepted, scopes in self.scopes_by_hash:  # all are compared, so that the time taken reveals nothing
            if hmac.compare_digest(accepted, digest):
                granted = scopes
        return granted


def authorise(tokens: Tokens, header: str | None, scope: str) -> None:
    """Check that a request may call a route.

    Args:
        tokens: The tokens that the service accepts.
        header: The Authorization header, None if there is none.
        scope: The required scope; `admin` includes all.

    Raises:
        Unauthenticated: No token, no bearer token, or an unknown one.
        Forbidden: The token lacks the scope.
    """
    if not tokens.configured:
        return
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated(
            "send `Authorization: Bearer <token>`; on a laptop the token is in .seatrial/token",
            headers={"WWW-Authenticate": "Bearer"},
        )
    scopes = tokens.scopes_of(token.strip())
    if not scopes:
        raise Unauthenticated("this token is not known here", headers={"WWW-Authenticate": "Bearer"})
    if scope not in scopes and "admin" not in scopes:
        raise Forbidden(f"this token lacks the scope `{scope}`; it has {', '.join(sorted(scopes))}")
