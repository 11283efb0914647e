"""Bars and result documents as the bytes that are stored."""

import gzip
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.result.manifest import COLUMNS, little_endian
from seatrial_trading.quant.candles import Candles

FAST = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pack(candles: Candles) -> bytes:
    """Return the columns of bars, compressed."""
    return zlib.compress(b"".join(little_endian(getattr(candles, name)) for name in COLUMNS), FAST)


def unpack(content: bytes, symbol: str, interval_ms: int, bars: int) -> Candles:
    """Return bars as they were packed."""
    raw = zlib.decompress(content)
    times: NDArray[np.int64] = np.frombuffer(raw, dtype="<i8", count=bars).astype(np.int64, copy=False)

    def column(position: int) -> NDArray[np.float64]:
        stored = np.frombuffer(raw, dtype="<f8", count=bars, offset=8 * bars * position)
        return stored.astype(np.float64, copy=False)

    return Candles(symbol, times, column(1), column(2), column(3), column(4), column(5), interval_ms)


def instant(time_ms: int) -> datetime:
    """Return epoch milliseconds as an aware datetime."""
    return _EPOCH + timedelta(milliseconds=time_ms)


def zipped(document: Mapping[str, Any]) -> bytes:  # Any: JSON
    """Return a document as gzip JSON, the same bytes every time."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), FAST, mtime=0)
