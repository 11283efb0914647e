"""Authorisation by bearer tokens with scopes."""

import hmac
import re
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
        "stress:work",
        "admin",
    }
)
DEFAULT_SECRETS = frozenset({"changeme", "change-me", "secret", "password", "token", "default", "test"})
MIN_TOKEN = 16
NAME_PREFIX = "name:"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# RFC 6750: the scheme, a space, the token.
_BEARER = re.compile(r"bearer +(\S{1,1024}) *", re.IGNORECASE)
# A token that a configuration holds as its hash only.
_HASHED = re.compile(r"sha256:([0-9a-f]{64})")
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Principal:
    """Who calls: the name of the token and its scopes; a service without tokens knows no name."""

    name: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the principal has a scope; `admin` includes all."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise Forbidden(f"this token lacks the scope `{scope}`; it has {', '.join(sorted(self.scopes))}")


# The caller of a service without tokens.
OPEN = Principal("", frozenset({"admin"}))
# The caller of a public route.
ANONYMOUS = Principal("", frozenset())


@dataclass(frozen=True)
class Tokens:
    """The tokens a service accepts, kept as hashes only."""

    principals_by_hash: tuple[tuple[str, Principal], ...] = ()

    @property
    def configured(self) -> bool:
        """Return whether any token is configured; without one a loopback service is open."""
        return bool(self.principals_by_hash)

    @classmethod
    def parse(cls, text: str) -> "Tokens":
        """Read `token=scope,scope;token2=admin,name:ops`.

        A token may be given as its hash, `sha256:` and 64 hex digits. One without a name is called `token-` and the
        first 8 hex digits of its hash.

        Raises:
            SettingsError: The text is malformed, a scope is unknown, or a token is a default secret or too short.
        """
        pieces = filter(None, (piece.strip() for piece in text.split(";")))
        return cls(tuple(_entry(number, piece) for number, piece in enumerate(pieces, start=1)))

    def find(self, token: str) -> Principal | None:
        """Return whose token this is, or None for an unknown one."""
        digest = sha256(token.encode()).hexdigest()
        match: Principal | None = None
        for accepted, principal in self.principals_by_hash:  # all are compared, so that the time taken reveals nothing
            if hmac.compare_digest(accepted, digest):
                match = principal
        return match

    def principal_of(self, header: str | None) -> Principal:
        """Return who sends an Authorization header; everybody has all scopes where no token is configured.

        Raises:
            Unauthenticated: No token, no bearer token, or an unknown one.
        """
        if not self.configured:
            return OPEN
        principal = self.find(bearer_token(header))
        if principal is None:
            raise Unauthenticated("this token is not known here", headers=CHALLENGE)
        return principal


def bearer_token(header: str | None) -> str:
    """Return the token of an Authorization header.

    Raises:
        Unauthenticated: There is none, or it is no bearer token.
    """
    match = _BEARER.fullmatch(header or "")
    if match is None:
        raise Unauthenticated(
            "send `Authorization: Bearer <token>`; on a laptop the token is in .seatrial/token", headers=CHALLENGE
        )
    return match[1]


def authorise(tokens: Tokens, header: str | None, scope: str) -> Principal:
    """Check that a request may call a route, and return who calls.

    Args:
        tokens: The tokens that the service accepts.
        header: The Authorization header, None if there is none.
        scope: The required scope; `admin` includes all.

    Raises:
        Unauthenticated: No token, no bearer token, or an unknown one.
        Forbidden: The token lacks the scope.
    """
    principal = tokens.principal_of(header)
    principal.require(scope)
    return principal


def _entry(number: int, text: str) -> tuple[str, Principal]:
    token, separator, right = text.rpartition("=")
    words = [word for word in (word.strip() for word in right.split(",")) if word]
    names = [word.removeprefix(NAME_PREFIX) for word in words if word.startswith(NAME_PREFIX)]
    scopes = frozenset(word for word in words if not word.startswith(NAME_PREFIX))
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
    if len(names) > 1 or not all(NAME.fullmatch(name) for name in names):
        raise SettingsError(
            f"SEATRIAL_TOKENS: entry {number} must have at most one `name:`, of 1 to 64 letters, digits, `.`, `_` "
            f"or `-`; found {', '.join(names)[:100]!r}"
        )
    hashed = _HASHED.fullmatch(token)
    digest = hashed[1] if hashed else sha256(token.encode()).hexdigest()
    return digest, Principal(names[0] if names else f"token-{digest[:8]}", scopes)
