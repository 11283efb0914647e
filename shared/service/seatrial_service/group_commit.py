"""Commits concurrent requests in shared transactions; a request is answered only after its commit."""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from seatrial_core.errors import SeatrialError, Unavailable
from seatrial_service.loops import BackgroundLoop, LoopSchedule

IDLE_SECONDS = 60.0

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class GroupLimits:
    """How much is committed together and how much may wait.

    Args:
        noun: What the sizes count, plural, for messages.
        group: The size of one transaction (>= 1); a larger single item is committed alone.
        waiting: The size above which new items are refused.
        retry_after_seconds: The `Retry-After` of a refusal.
        retries_singly: Whether the items of a group that failed unexpectedly are committed again one by one, so that
            a bad item fails alone.
        failure: The error of the items of a group that failed unexpectedly.
        overload: The error when too much is waiting; 429 asks the caller to slow down.
    """

    noun: str
    group: int
    waiting: int
    retry_after_seconds: int = 1
    retries_singly: bool = False
    failure: type[SeatrialError] = SeatrialError
    overload: type[SeatrialError] = Unavailable

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a refusal."""
        return {"Retry-After": str(self.retry_after_seconds)}


@dataclass(frozen=True)
class _Member(Generic[Item, Result]):
    item: Item
    size: int
    answer: asyncio.Future[Result]

    def succeed(self, result: Result) -> None:
        if not self.answer.done():  # the caller may be gone
            self.answer.set_result(result)

    def fail(self, error: SeatrialError) -> None:
        if not self.answer.done():
            self.answer.set_exception(copy.copy(error))  # a shared one would collect the tracebacks of all callers


class _Queue(Generic[Item, Result]):
    """Members in order of arrival; after a failure, the first `singles` are committed one by one."""

    def __init__(self) -> None:
        self.members: deque[_Member[Item, Result]] = deque()
        self.singles = 0

    def take(self, limit: int) -> list[_Member[Item, Result]]:
        group: list[_Member[Item, Result]] = []
        size = 0
        while self.members and (not group or size + self.members[0].size <= limit):
            group.append(self.members.popleft())
            size += group[-1].size
            if self.singles:
                self.singles -= 1
                break
        return group

    def put_back(self, group: list[_Member[Item, Result]]) -> None:
        self.members.extendleft(reversed(group))
        self.singles = len(group)


class GroupCommit(Generic[Item, Result]):
    """Gathers the items that wait and commits them in one transaction, one transaction at a time.

    Run `loop()` with `loops.running`; items that still wait at its end are refused.

    Args:
        commit: Commits a group in one transaction and returns one result or error per item, in order. An error that it
            raises means that nothing was committed.
        limits: The sizes of groups and of the queue.
        size_of: Returns the size of an item (>= 1); every item counts 1 by default.
        is_urgent: Whether an item goes before all that wait, and is committed without them; none by default.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result | SeatrialError]]],
        limits: GroupLimits,
        size_of: Callable[[Item], int] = lambda _: 1,
        is_urgent: Callable[[Item], bool] = lambda _: False,
    ) -> None:
        self._commit = commit
        self._limits = limits
        self._size_of = size_of
        self._is_urgent = is_urgent
        self._queue: _Queue[Item, Result] = _Queue()
        self._urgent: _Queue[Item, Result] = _Queue()
        self._filled = asyncio.Event()
        self._is_closed = False
        self.waiting = 0  # the size of what is not answered yet

    async def submit(self, item: Item) -> Result:
        """Commit an item with the next group and return its result.

        Raises:
            SeatrialError: Too much is waiting: the error that the limits name.
            Unavailable: The database does not answer, or the service is stopping; the
                item is not committed, except when the connection was lost during the commit.
            SeatrialError: The error that `commit` returned for this item.
        """
        if self._is_closed:
            raise self._stopping()
        queue = self._urgent if self._is_urgent(item) else self._queue
        waiting = len(queue.members) if queue is self._urgent else self.waiting
        if waiting >= self._limits.waiting:
            raise self._limits.overload(
                f"{waiting} {self._limits.noun} are waiting for the database; "
                f"send again in {self._limits.retry_after_seconds} s",
                headers=self._limits.headers,
            )
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        member = _Member(item, self._size_of(item), answer)
        self.waiting += member.size
        queue.members.append(member)
        self._filled.set()
        return await answer

    def loop(self, name: str, expected: tuple[type[Exception], ...] = (Unavailable,)) -> BackgroundLoop:
        """Return the loop that commits the groups; `expected` errors are logged once per outage."""
        schedule = LoopSchedule(interval_seconds=IDLE_SECONDS, wake=self._filled, backoff=None)
        return BackgroundLoop(name, self._tick, schedule, expected=expected, on_end=self._close)

    async def _tick(self) -> bool:
        queue = self._urgent if self._urgent.members else self._queue
        group = queue.take(self._limits.group)
        if group:
            await self._commit_group(queue, group)
        return self._has_members

    @property
    def _has_members(self) -> bool:
        return bool(self._urgent.members or self._queue.members)

    async def _commit_group(self, queue: _Queue[Item, Result], group: list[_Member[Item, Result]]) -> None:
        try:
            results = await self._commit([member.item for member in group])
            for member, result in zip(group, results, strict=True):
                if isinstance(result, SeatrialError):
                    member.fail(result)
                else:
                    member.succeed(result)
        except BaseException as error:  # re-raised: the loop logs and counts it
            if self._is_retried(group, error):
                queue.put_back(group)
            else:
                self._fail(group, self._answer_of(error))
            if self._has_members:
                self._filled.set()
            raise
        self.waiting -= sum(member.size for member in group)

    def _is_retried(self, group: list[_Member[Item, Result]], error: BaseException) -> bool:
        is_unexpected = isinstance(error, Exception) and not isinstance(error, SeatrialError)
        return self._limits.retries_singly and is_unexpected and len(group) > 1

    def _answer_of(self, error: BaseException) -> SeatrialError:
        if isinstance(error, Unavailable):
            return type(error)(error.detail, headers={**self._limits.headers, **error.headers})
        if isinstance(error, SeatrialError):
            return error
        if isinstance(error, Exception):
            return self._limits.failure(
                f"the {self._limits.noun} could not be stored; the service's log has the traceback"
            )
        return self._stopping()

    def _fail(self, group: list[_Member[Item, Result]], error: SeatrialError) -> None:
        self.waiting -= sum(member.size for member in group)
        for member in group:
            member.fail(error)

    def _close(self) -> None:
        self._is_closed = True
        rest = [*self._urgent.members, *self._queue.members]
        self._urgent.members.clear()
        self._queue.members.clear()
        self._fail(rest, self._stopping())

    def _stopping(self) -> Unavailable:
        return Unavailable("the service is stopping; send again", headers=self._limits.headers)
