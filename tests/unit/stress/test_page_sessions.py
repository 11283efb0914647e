"""Sessions of the load page: random ids, two limits of time, a limit of number."""

from datetime import UTC, datetime

from seatrial_core.clock import ManualClock
from seatrial_service.auth import Principal
from seatrial_stress.locust_ui import sessions
from seatrial_stress.locust_ui.sessions import PageSessions

START = datetime(2026, 1, 1, tzinfo=UTC)
PRINCIPAL = Principal("operator", frozenset({"stress:run"}))


def token_of(opened: PageSessions, identity: str) -> str | None:
    """Return the token of an open session."""
    session = opened.find(identity)
    return None if session is None else session.token


def test_an_unused_session_ends() -> None:
    clock = ManualClock(START)
    opened = PageSessions(clock)
    identity = opened.open(PRINCIPAL, "token")

    clock.advance(sessions.IDLE_SECONDS)
    in_time = token_of(opened, identity)
    clock.advance(sessions.IDLE_SECONDS + 1)

    assert in_time == "token"
    assert token_of(opened, identity) is None


def test_a_used_session_ends_too() -> None:
    clock = ManualClock(START)
    opened = PageSessions(clock)
    identity = opened.open(PRINCIPAL, "token")

    uses = []
    for _ in range(int(sessions.MAX_SECONDS / 1_000) + 1):
        clock.advance(1_000)
        uses.append(token_of(opened, identity))

    assert uses[:-1] == ["token"] * (len(uses) - 1)
    assert uses[-1] is None


def test_ids_are_random_and_sessions_bounded() -> None:
    opened = PageSessions(ManualClock(START))

    identities = [opened.open(PRINCIPAL, f"token-{number}") for number in range(sessions.MAX_SESSIONS + 1)]

    assert len(set(identities)) == len(identities)
    assert min(map(len, identities)) == 43
    assert token_of(opened, identities[0]) is None
    assert token_of(opened, identities[-1]) == f"token-{sessions.MAX_SESSIONS}"
