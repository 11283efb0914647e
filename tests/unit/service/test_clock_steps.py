"""A wall clock that jumps by an hour neither ends what counts elapsed time nor gives attempts back."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from seatrial_core.clock import ManualClock
from seatrial_core.signing import TOLERANCE_SECONDS, sign, verify
from seatrial_service.auth import Principal
from seatrial_service.stored_tokens import StoredToken, StoredTokens
from seatrial_service.throttle import BURST, FailureThrottle
from seatrial_stress.locust_ui.sessions import IDLE_SECONDS, PageSessions

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRINCIPAL = Principal("bot", frozenset({"stress:run"}))


class SteppedClock(ManualClock):
    """A clock whose wall time is corrected while the elapsed time goes on."""

    shift = timedelta(0)

    def now(self) -> datetime:
        """Return the corrected wall time."""
        return super().now() + self.shift


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_session_lasts_its_elapsed_time(clock: SteppedClock, step: timedelta) -> None:
    sessions = PageSessions(clock)
    identity = sessions.open(PRINCIPAL, "token")

    clock.shift = step
    kept = sessions.find(identity)
    clock.advance(IDLE_SECONDS + 1)

    assert kept is not None
    assert sessions.find(identity) is None


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_throttled_source_stays_throttled(clock: SteppedClock, step: timedelta) -> None:
    throttle = FailureThrottle()
    for _ in range(BURST):
        assert throttle.fail("source", clock.monotonic()) is None

    clock.shift = step

    assert throttle.fail("source", clock.monotonic()) is not None


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_a_revoked_token_is_noticed_in_the_same_time(clock: SteppedClock, step: timedelta) -> None:
    text = "seatrial_" + "x" * 43
    digest = sha256(text.encode()).hexdigest()
    tokens = {digest: StoredToken("1", digest, PRINCIPAL, "ada")}

    async def load() -> dict[str, StoredToken]:
        return dict(tokens)

    stored = StoredTokens(load, clock, lambda *_: None)
    before = await stored.find(text)
    tokens.clear()
    clock.shift = step
    clock.advance(2.1)

    assert before is not None
    assert await stored.find(text) is None


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_signature_of_before_the_step_is_refused_after_it(clock: SteppedClock, step: timedelta) -> None:
    signed_at = int(clock.now().timestamp())
    signature = sign("a-secret-of-the-test", b"{}", signed_at)

    clock.shift = step
    problem = verify("a-secret-of-the-test", b"{}", str(signed_at), signature, now=int(clock.now().timestamp()))

    assert problem is not None
    assert f"at most {TOLERANCE_SECONDS}" in problem
