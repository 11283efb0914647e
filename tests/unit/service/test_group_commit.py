"""Concurrent items share a transaction, and each is answered with its own result."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from seatrial_core.errors import Conflict, DatabaseUnreachable, SeatrialError, TooManyRequests, Unavailable
from seatrial_service import loops
from seatrial_service.group_commit import GroupCommit, GroupLimits

LIMITS = GroupLimits("orders", group=3, waiting=5, retry_after_seconds=2)


class Ledger:
    """Records the groups; fails on the items that it is given errors for."""

    def __init__(self, errors: dict[int, Exception] | None = None, refused: set[int] | None = None) -> None:
        self.errors = errors or {}
        self.refused = refused or set()
        self.groups: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def commit(self, items: Sequence[int]) -> list[int | SeatrialError]:
        await self.open.wait()
        self.groups.append(list(items))
        for item in items:
            if item in self.errors:
                raise self.errors[item]
        return [Conflict(f"{item} is taken") if item in self.refused else item * 10 for item in items]


async def submit_all(commits: GroupCommit[int, int], items: Sequence[int]) -> list[int | BaseException]:
    async with loops.running([commits.loop("commits")], CollectorRegistry()), asyncio.timeout(10.0):
        return await asyncio.gather(*(commits.submit(item) for item in items), return_exceptions=True)


async def test_waiting_items_share_transactions_up_to_the_group_size() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, LIMITS)

    results = await submit_all(commits, [1, 2, 3, 4, 5])

    assert results == [10, 20, 30, 40, 50]
    assert ledger.groups == [[1, 2, 3], [4, 5]]
    assert commits.waiting == 0


async def test_an_item_larger_than_a_group_is_committed_alone() -> None:
    ledger = Ledger()
    commits = GroupCommit(ledger.commit, GroupLimits("events", group=3, waiting=100), size_of=lambda item: item)

    await submit_all(commits, [9, 1, 2, 1])

    assert ledger.groups == [[9], [1, 2], [1]]


async def test_an_item_is_answered_with_its_own_error() -> None:
    commits = GroupCommit(Ledger(refused={2}).commit, LIMITS)

    first, second, third = await submit_all(commits, [1, 2, 3])

    assert (first, third) == (10, 30)
    assert isinstance(second, Conflict)


async def test_an_outage_fails_every_member_with_a_time_to_retry() -> None:
    commits = GroupCommit(Ledger(errors={2: DatabaseUnreachable("away")}).commit, LIMITS)

    results = await submit_all(commits, [1, 2])

    assert all(isinstance(result, DatabaseUnreachable) for result in results)
    assert results[0] is not results[1]  # a shared error would collect the tracebacks of all callers
    assert all(isinstance(result, SeatrialError) and result.headers == {"Retry-After": "2"} for result in results)
    assert commits.waiting == 0


async def test_an_unexpected_error_fails_the_group_and_the_next_group_is_committed() -> None:
    ledger = Ledger(errors={1: RuntimeError("a bug")})
    commits = GroupCommit(ledger.commit, LIMITS)

    results = await submit_all(commits, [1, 2, 3, 4])

    assert all(isinstance(result, SeatrialError) for result in results[:3])
    assert results[3] == 40


async def test_a_bad_item_fails_alone_where_groups_are_retried_singly() -> None:
    ledger = Ledger(errors={2: RuntimeError("a bug")})
    commits = GroupCommit(ledger.commit, GroupLimits("orders", group=3, waiting=5, retries_singly=True))

    first, second, third, fourth = await submit_all(commits, [1, 2, 3, 4])

    assert (first, third, fourth) == (10, 30, 40)
    assert isinstance(second, SeatrialError)
    assert ledger.groups == [[1, 2, 3], [1], [2], [3], [4]]


@pytest.mark.parametrize("overload", [Unavailable, TooManyRequests])
async def test_items_beyond_the_queue_limit_are_refused(overload: type[SeatrialError]) -> None:
    ledger = Ledger()
    ledger.open.clear()
    commits = GroupCommit(ledger.commit, replace(LIMITS, overload=overload))

    async with loops.running([commits.loop("commits")], CollectorRegistry()):
        waiting = [asyncio.create_task(commits.submit(item)) for item in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(overload, match="5 orders are waiting") as refusal:
            await commits.submit(6)
        ledger.open.set()
        await asyncio.gather(*waiting)

    assert refusal.value.headers == {"Retry-After": "2"}


async def test_answered_items_wait_no_more_however_they_were_answered() -> None:
    limits = GroupLimits("events", group=30, waiting=60, retries_singly=True)
    errors: dict[int, Exception] = {7: RuntimeError("bad"), 8: DatabaseUnreachable("gone")}
    ledger = Ledger(errors, refused={9})
    commits = GroupCommit(ledger.commit, limits, size_of=lambda _: 10)

    async with loops.running([commits.loop("commits")], CollectorRegistry()), asyncio.timeout(10.0):
        for item in (1, 7, 8, 9):
            for _ in range(8):  # together more than may wait
                await asyncio.gather(commits.submit(item), return_exceptions=True)
        await asyncio.gather(*(commits.submit(item) for item in (1, 7, 2)), return_exceptions=True)
        assert commits.waiting == 0
        assert await commits.submit(3) == 30


async def test_items_that_wait_at_the_end_are_refused() -> None:
    commits: GroupCommit[int, int] = GroupCommit(Ledger().commit, LIMITS)
    loop, stop = commits.loop("commits"), loops.StopSignal()
    waiting = asyncio.create_task(commits.submit(1))
    await asyncio.sleep(0)
    stop.set()

    await loop.run(stop)

    with pytest.raises(Unavailable, match="stopping"):
        await waiting
    with pytest.raises(Unavailable, match="stopping"):
        await commits.submit(2)


async def test_a_caller_that_has_gone_does_not_disturb_the_others() -> None:
    ledger = Ledger()
    ledger.open.clear()
    commits = GroupCommit(ledger.commit, LIMITS)

    async with loops.running([commits.loop("commits")], CollectorRegistry()):
        gone, patient = asyncio.create_task(commits.submit(1)), asyncio.create_task(commits.submit(2))
        await asyncio.sleep(0)
        gone.cancel()
        ledger.open.set()
        async with asyncio.timeout(10.0):
            result = await patient

    assert result == 20
    assert gone.cancelled()


async def test_urgent_items_go_first_and_share_no_transaction_with_others() -> None:
    ledger = Ledger(errors={2: RuntimeError("a bug")})
    limits = GroupLimits("orders", group=3, waiting=3, retries_singly=True)
    commits = GroupCommit(ledger.commit, limits, is_urgent=lambda item: item >= 100)
    ledger.open.clear()

    async with loops.running([commits.loop("commits")], CollectorRegistry()), asyncio.timeout(10.0):
        orders = [asyncio.create_task(commits.submit(item)) for item in (1, 2, 3)]
        await asyncio.sleep(0)
        urgent = [asyncio.create_task(commits.submit(item)) for item in (100, 101)]  # although the queue is full
        await asyncio.sleep(0)
        ledger.open.set()
        assert await asyncio.gather(*urgent) == [1_000, 1_010]
        await asyncio.gather(*orders, return_exceptions=True)

    assert ledger.groups == [[100, 101], [1, 2, 3], [1], [2], [3]]
