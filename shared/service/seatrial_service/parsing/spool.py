"""Receives a body into an unnamed private file, within a budget of all bodies."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from starlette.requests import Request

from seatrial_service.parsing.parser_limits import busy

FREE_BYTES = 1 << 20  # of each body: those who send little are never refused for those who send much
MAX_BODIES = 64
PART_CHARACTERS = 1 << 20


@dataclass
class SpooledBody:
    """A received body; the file has no name, so that no other process can open it and nothing is left of it."""

    file: BinaryIO
    size: int = 0


class BodySpool:
    """The bodies that are being received or wait to be read.

    Args:
        max_bytes: Of all together, beyond the first MiB of each.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._bodies = 0

    @contextlib.asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[SpooledBody]:
        """Receive the body of a request; its file lasts as long as the block.

        Raises:
            ParserBusy: Too many bodies are here already.
        """
        if self._bodies >= MAX_BODIES:
            raise busy(f"{self._bodies} uploads are being received")
        self._bodies += 1
        counted = 0
        try:
            with tempfile.TemporaryFile() as file:
                body = SpooledBody(cast(BinaryIO, file))  # cast: typing has two names for it
                async for part in request.stream():
                    body.size += len(part)
                    beyond = max(0, body.size - FREE_BYTES)
                    self._bytes += beyond - counted
                    counted = beyond
                    if self._bytes > self._max_bytes:
                        raise busy(f"the uploads that wait take {self._bytes >> 20} MiB")
                    _write(body.file, part)
                _flush(body.file)
                yield body
        finally:
            self._bodies -= 1
            self._bytes -= counted


@contextlib.asynccontextmanager
async def stored_body(text: str) -> AsyncIterator[SpooledBody]:
    """Store a text as a body; its file lasts as long as the block.

    Raises:
        ParserBusy: There is no space for it.
    """
    with tempfile.TemporaryFile() as file:
        body = SpooledBody(cast(BinaryIO, file))  # cast: typing has two names for it
        await asyncio.to_thread(_store, body, text)
        yield body


def _store(body: SpooledBody, text: str) -> None:
    for first in range(0, len(text), PART_CHARACTERS):
        part = text[first : first + PART_CHARACTERS].encode()
        body.size += len(part)
        _write(body.file, part)
    _flush(body.file)


def _write(file: BinaryIO, part: bytes) -> None:
    try:
        file.write(part)
    except OSError as error:
        raise busy(f"the upload cannot be stored ({error.strerror})") from error


def _flush(file: BinaryIO) -> None:
    try:
        file.flush()
    except OSError as error:
        raise busy(f"the upload cannot be stored ({error.strerror})") from error
