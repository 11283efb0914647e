"""Sessions of the load page, in the memory of its one process: a restart ends them all."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from seatrial_core.contracts.clock import Clock

IDLE_SECONDS = 1_800.0
ABSOLUTE_SECONDS = 28_800.0
MAX_SESSIONS = 1_000


@dataclass
class PageSession:
    """The token that a session was opened with, and when it was opened and last used."""

    token: str
    opened_at: float
    used_at: float


class PageSessions:
    """Sessions by the hash of their random id; beyond `MAX_SESSIONS` the one unused for longest ends.

    Args:
        clock: The source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: OrderedDict[str, PageSession] = OrderedDict()

    def open(self, token: str) -> str:
        """Open a session and return its id of 256 random bits."""
        identity = secrets.token_urlsafe(32)
        now = self._clock.monotonic()
        self._sessions[_key(identity)] = PageSession(token, now, now)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return identity

    def token_of(self, identity: str) -> str | None:
        """Return the token of a session and record its use; None if it has ended."""
        session = self._sessions.get(_key(identity))
        if session is None:
            return None
        now = self._clock.monotonic()
        if now - session.used_at > IDLE_SECONDS or now - session.opened_at > ABSOLUTE_SECONDS:
            self.end(identity)
            return None
        session.used_at = now
        self._sessions.move_to_end(_key(identity))
        return session.token

    def end(self, identity: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(_key(identity), None)


def _key(identity: str) -> str:
    return sha256(identity.encode("utf-8", errors="replace")).hexdigest()
