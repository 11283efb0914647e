"""Steps of a restatement, run one by one against the stored requests."""

from datetime import timedelta
from typing import Any

from tests.services.metrics.metrics_client import START, open_service

from seatrial_core.clock import ManualClock
from seatrial_metrics.portfolio import PortfolioOptions
from seatrial_metrics.store import restatement_step, restatements
from seatrial_metrics.store.restatements import RestatementRequest
from seatrial_service.db.session import Database

OPTIONS = PortfolioOptions()


def mark(seconds: float) -> dict[str, Any]:
    """Return a mark to market some seconds after START."""
    occurred_at = (START + timedelta(seconds=seconds)).isoformat()
    return {"id": f"mark-{seconds}", "type": "equity", "occurred_at": occurred_at, "account": "a", "equity": "100"}


async def test_request_that_arrives_during_a_pass_is_worked_on_after_it(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock) as client:
        await client.push(*map(mark, range(3)))
    database = Database(database_url, pool_size=1)
    async with database.transaction() as session:
        await restatements.request(session, "live", START, START)
        await restatements.move(session, RestatementRequest("live", START + timedelta(seconds=2), START))

    async with database.transaction() as session:
        goes_on = await restatement_step.step(session, "live", OPTIONS, START)
        after_pass = await restatements.peek(session, "live")
    async with database.transaction() as session:
        goes_on_again = await restatement_step.step(session, "live", OPTIONS, START)
        after_all = await restatements.peek(session, "live")
    await database.close()

    assert (goes_on, after_pass) == (True, RestatementRequest("live", None, START))
    assert (goes_on_again, after_all) == (False, None)


async def test_two_replicas_do_not_work_on_the_same_request(database_url: str) -> None:
    one, other = Database(database_url, pool_size=1), Database(database_url, pool_size=1)
    async with one.transaction() as session:
        await restatements.request(session, "live", START, START)

    async with one.transaction() as first, other.transaction() as second:
        locked = await restatements.lock(first, "live")
        skipped = await restatements.lock(second, "live")
    await one.close()
    await other.close()

    assert (locked, skipped) == (RestatementRequest("live", None, START), None)
