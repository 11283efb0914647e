"""Parser processes: limits of memory and time, a fresh process after each, and queues that never mix."""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import BinaryIO, cast

import numpy as np
import psutil
import pytest
from starlette.requests import Request
from starlette.types import Message
from tests.support import hostile_parsers as functions

from seatrial_core.errors import ValidationFailed
from seatrial_service.parsing.parser_limits import MEGABYTE, ParserBusy, ParserLimits, TooCostlyToRead
from seatrial_service.parsing.pool import ParserPool
from seatrial_service.parsing.spool import BodySpool, SpooledBody

LIMITS = ParserLimits(memory_bytes=256 * MEGABYTE, seconds=1.0, queue=2, spool_bytes=64 * MEGABYTE)
LARGE = 2 * MEGABYTE
SMALL = 128 << 10


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParserPool]:
    monkeypatch.setenv("PYTHONPATH", str(Path(functions.__file__).parents[2]))
    pool = ParserPool(LIMITS, ["tests.support.hostile_parsers"])
    async with pool.running():
        yield pool


@pytest.fixture
async def patient_pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ParserPool]:
    """A pool whose limit of time a busy machine does not reach."""
    monkeypatch.setenv("PYTHONPATH", str(Path(functions.__file__).parents[2]))
    pool = ParserPool(replace(LIMITS, seconds=120.0), ["tests.support.hostile_parsers"])
    async with pool.running():
        yield pool


@pytest.fixture
def large() -> Iterator[SpooledBody]:
    with tempfile.TemporaryFile() as file:
        yield _filled(cast(BinaryIO, file), LARGE)


@pytest.fixture
def small() -> Iterator[SpooledBody]:
    with tempfile.TemporaryFile() as file:
        yield _filled(cast(BinaryIO, file), SMALL)


def _filled(file: BinaryIO, size: int) -> SpooledBody:
    file.write(b"x" * size)
    file.flush()
    return SpooledBody(file, size)


async def test_a_function_is_called_in_another_process_again_and_again(pool: ParserPool, large: SpooledBody) -> None:
    assert await pool.call(large, functions.size, 3) == 3 * LARGE
    assert await pool.call(large, functions.size, 2) == 2 * LARGE
    first = await pool.call(large, functions.process_id)
    assert first == await pool.call(large, functions.process_id)
    assert first != os.getpid()


async def test_a_tiny_body_is_read_in_a_thread(pool: ParserPool) -> None:
    with tempfile.TemporaryFile() as file:
        body = _filled(cast(BinaryIO, file), 10)
        assert await pool.call(body, functions.size, 1) == 10


async def test_too_much_memory_refuses_the_body_and_the_next_call_works(
    patient_pool: ParserPool, large: SpooledBody
) -> None:
    before = psutil.Process().memory_info().rss

    with pytest.raises(TooCostlyToRead, match="256 MiB of memory; send fewer rows"):
        await patient_pool.call(large, functions.take_memory, 64)

    assert await patient_pool.call(large, functions.size, 1) == LARGE
    assert psutil.Process().memory_info().rss - before < 64 * MEGABYTE


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the data of a process")
async def test_the_system_limits_the_memory_of_the_process(pool: ParserPool, large: SpooledBody) -> None:
    assert await pool.call(large, functions.memory_limit) == LIMITS.memory_bytes


async def test_too_much_time_ends_the_process_and_the_next_call_works(pool: ParserPool, large: SpooledBody) -> None:
    before = await pool.call(large, functions.process_id)
    started = monotonic()

    with pytest.raises(TooCostlyToRead, match="takes more than 1 s"):
        await pool.call(large, functions.take_time, 60.0)

    assert monotonic() - started < 10
    assert await pool.call(large, functions.process_id) != before
    assert not psutil.pid_exists(before)


async def test_a_process_that_ends_by_itself_is_a_refusal(pool: ParserPool, large: SpooledBody) -> None:
    with pytest.raises(TooCostlyToRead):
        await pool.call(large, functions.break_off)

    assert await pool.call(large, functions.size, 1) == LARGE


async def test_errors_arrive_as_they_were_raised(pool: ParserPool, large: SpooledBody) -> None:
    with pytest.raises(ValidationFailed, match="`timezone` was") as refused:
        await pool.call(large, functions.refuse)
    with pytest.raises(ValidationFailed, match="Invalid JSON"):
        await pool.call(large, functions.numbers)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        await pool.call(large, functions.fail)

    assert refused.value.errors[0].allowed == "a zone"


async def test_arrays_come_back(pool: ParserPool) -> None:
    with tempfile.TemporaryFile() as file:
        text = b'{"numbers": [' + b"7, " * 500_000 + b"7]}"
        file.write(text)
        file.flush()
        values = await pool.call(SpooledBody(cast(BinaryIO, file), len(text)), functions.numbers)

    assert isinstance(values, np.ndarray)
    assert len(values) == 500_001


async def test_a_small_body_never_waits_for_a_large_one(
    pool: ParserPool, large: SpooledBody, small: SpooledBody
) -> None:
    await asyncio.gather(pool.call(large, functions.size, 1), pool.call(small, functions.size, 1))
    slow = asyncio.ensure_future(pool.call(large, functions.take_time, 0.9))
    await asyncio.sleep(0.05)

    assert await pool.call(small, functions.size, 1) == SMALL

    assert not slow.done()
    assert await slow == f"{LARGE} bytes"


async def test_a_body_beyond_the_queue_is_refused_for_some_seconds(pool: ParserPool, large: SpooledBody) -> None:
    waiting = [asyncio.ensure_future(pool.call(large, functions.take_time, 0.2)) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(ParserBusy, match="send it again") as busy:
        await pool.call(large, functions.size, 1)

    assert busy.value.headers == {"Retry-After": "5"}
    await asyncio.gather(*waiting)
    assert await pool.call(large, functions.size, 1) == LARGE


async def test_the_process_knows_no_secret(
    pool: ParserPool, large: SpooledBody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_TOKEN", "a-secret-token-0123456789")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    names = await pool.call(large, functions.variables)

    assert not [name for name in names if name.startswith(("SEATRIAL", "AWS"))]


async def test_the_event_loop_never_stalls(pool: ParserPool, large: SpooledBody) -> None:
    await pool.call(large, functions.size, 1)
    pauses: list[float] = []

    async def tick() -> None:
        while True:
            started = monotonic()
            await asyncio.sleep(0.005)
            pauses.append(monotonic() - started - 0.005)

    ticking = asyncio.ensure_future(tick())
    with pytest.raises(TooCostlyToRead):
        await pool.call(large, functions.take_memory, 64)
    ticking.cancel()

    assert sorted(pauses)[len(pauses) * 9 // 10] < 0.05


async def test_received_bodies_share_a_budget_and_give_it_back() -> None:
    spool = BodySpool(2 * MEGABYTE)

    for _ in range(5):
        async with spool.receive(_request(2 * MEGABYTE)) as body:
            assert body.size == 2 * MEGABYTE
            with pytest.raises(ParserBusy, match="uploads that wait"):
                async with spool.receive(_request(3 * MEGABYTE)):
                    pass
            async with spool.receive(_request(MEGABYTE)) as other:  # the first MiB of each is free
                assert other.size == MEGABYTE


def _request(size: int) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * size, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
