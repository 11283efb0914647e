"""Converts bars and result documents to the bytes that are stored, and back."""

import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.result.manifest import COLUMNS, little_endian
from seatrial_trading.quant.candles import Candles

COMPRESSION_LEVEL = 1  # the fastest


def pack_candles(candles: Candles) -> bytes:
    """Return the columns of bars, zlib-compressed; symbol and interval are not included."""
    return zlib.compress(b"".join(little_endian(getattr(candles, name)) for name in COLUMNS), COMPRESSION_LEVEL)


def unpack_candles(content: bytes, symbol: str, interval_ms: int, bars: int) -> Candles:
    """Return the bars that `pack_candles` packed.

    Args:
        content: The packed columns.
        symbol: Symbol of the bars.
        interval_ms: Length of a bar in milliseconds.
        bars: Number of bars.
    """
    columns = zlib.decompress(content)
    times: NDArray[np.int64] = np.frombuffer(columns, dtype="<i8", count=bars).astype(np.int64, copy=False)

    def column(position: int) -> NDArray[np.float64]:
        values = np.frombuffer(columns, dtype="<f8", count=bars, offset=8 * bars * position)
        return values.astype(np.float64, copy=False)

    return Candles(symbol, times, column(1), column(2), column(3), column(4), column(5), interval_ms)


def compress_document(document: Mapping[str, Any]) -> bytes:  # Any: JSON
    """Return a document as gzip JSON; equal documents give equal bytes."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return gzip.compress(text.encode(), COMPRESSION_LEVEL, mtime=0)
