"""A value that is read at the scrape: never an old one, and never a long wait."""

import asyncio
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest

from seatrial_core.clock import ManualClock
from seatrial_core.errors import DatabaseUnreachable
from seatrial_service import page_reading
from seatrial_service.page_reading import PageReading

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def test_value_that_cannot_be_read_again_is_absent_and_its_age_grows() -> None:
    clock, registry = ManualClock(START), CollectorRegistry(auto_describe=False)
    answers = [7]

    async def read() -> int:
        if not answers:
            raise DatabaseUnreachable("Postgres does not answer.")
        return answers.pop()

    reading = PageReading("outbox", read, clock, registry)
    assert reading.value() is None
    await reading.refresh()
    assert reading.value() == 7
    clock.advance(60)
    await reading.refresh()

    assert reading.value() is None
    assert b'page_reading_age_seconds{reading="outbox"} 60.0' in generate_latest(registry)


async def test_slow_reading_is_waited_for_two_seconds_and_shared() -> None:
    go_on, calls = asyncio.Event(), []

    async def read() -> int:
        calls.append(1)
        await go_on.wait()
        return 3

    reading = PageReading("outbox", read, ManualClock(START), CollectorRegistry(auto_describe=False))
    loop = asyncio.get_running_loop()
    started_at = loop.time()
    await asyncio.gather(reading.refresh(), reading.refresh())

    assert page_reading.TIMEOUT_SECONDS <= loop.time() - started_at < page_reading.TIMEOUT_SECONDS + 2
    assert (reading.value(), len(calls)) == (None, 1)
    go_on.set()
    await reading.refresh()
    assert reading.value() == 3
