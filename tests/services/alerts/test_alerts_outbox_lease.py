"""A dispatcher whose lease has expired may report a delivery, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from seatrial_alerts.store import outbox
from seatrial_alerts.store.outbox import OutboxClaim
from seatrial_service.db.alerts import NotificationRow
from seatrial_service.db.session import Database

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LEASE = timedelta(seconds=10)


@pytest.mark.parametrize(
    ("late_result", "status"), [("delivered", "delivered"), ("waiting", "waiting"), ("dead", "waiting")]
)
async def test_a_late_result_of_an_expired_lease(database_url: str, late_result: str, status: str) -> None:
    database = Database(database_url)
    try:
        async with database.transaction() as session:
            await outbox.enqueue(session, {"key": "k", "alert_id": "a"}, "webhook", "waiting", NOW)
            (first,) = await outbox.claim(session, OutboxClaim("webhook"), NOW, NOW + LEASE)
        later = NOW + 2 * LEASE
        async with database.transaction() as session:
            (second,) = await outbox.claim(session, OutboxClaim("webhook"), later, later + LEASE)
        attempt: dict[str, object] = {
            "at": NOW, "attempt": first.attempts, "outcome": "x", "status_code": None, "detail": "", "seconds": 15.0,
        }  # fmt: skip
        async with database.transaction() as session:
            await outbox.record_attempt(session, first.id, late_result, later, attempt)
        async with database.transaction() as session:
            row = await session.get_one(NotificationRow, first.id)
            is_leased = row.leased_until == later + LEASE
    finally:
        await database.close()

    assert (first.attempts, second.attempts) == (1, 2)
    assert row.status == status
    assert is_leased == (late_result != "delivered")
