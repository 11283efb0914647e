"""Sessions of the load page, kept in this process: the cookie carries a random id, never the token."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256

from seatrial_core.contracts.clock import Clock
from seatrial_service.auth import Principal

IDLE_SECONDS = 1_800.0
MAX_SECONDS = 12 * 3_600.0
MAX_SESSIONS = 1_000
MAX_ID_LENGTH = 64


@dataclass(frozen=True)
class PageSession:
    """One login.

    Args:
        principal: Who logged in.
        token: The token of the login; it is looked up again at every request, so that its end ends the session.
        opened_at: Monotonic seconds of the login.
        used_at: Monotonic seconds of the last request.
    """

    principal: Principal
    token: str
    opened_at: float
    used_at: float


class PageSessions:
    """The open sessions. A restart of the service ends them all.

    Args:
        clock: The source of time.
        max_sessions: The session used longest ago is closed when more are opened (>= 1).
    """

    def __init__(self, clock: Clock, max_sessions: int = MAX_SESSIONS) -> None:
        self._clock = clock
        self._max_sessions = max_sessions
        self._sessions: OrderedDict[str, PageSession] = OrderedDict()  # by the hash of the id, last used at the end

    def open(self, principal: Principal, token: str) -> str:
        """Open a session and return its id, 256 random bits."""
        identity = secrets.token_urlsafe(32)
        now = self._clock.monotonic()
        self._sessions[_key(identity)] = PageSession(principal, token, now, now)
        while len(self._sessions) > self._max_sessions:
            self._sessions.popitem(last=False)
        return identity

    def find(self, identity: str) -> PageSession | None:
        """Return an open session and mark it as used; None for an unknown or an expired one."""
        key = _key(identity)
        session = self._sessions.get(key)
        if session is None:
            return None
        now = self._clock.monotonic()
        if now - session.used_at > IDLE_SECONDS or now - session.opened_at > MAX_SECONDS:
            del self._sessions[key]
            return None
        self._sessions[key] = replace(session, used_at=now)
        self._sessions.move_to_end(key)
        return session

    def close(self, identity: str) -> None:
        """Close a session; do nothing for an unknown one."""
        self._sessions.pop(_key(identity), None)


def _key(identity: str) -> str:
    return sha256(identity[: MAX_ID_LENGTH + 1].encode()).hexdigest()
