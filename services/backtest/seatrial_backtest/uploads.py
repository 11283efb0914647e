"""Reads an uploaded dataset; called in a parser process, so that no upload can take the memory of the service."""

from dataclasses import dataclass, field
from typing import BinaryIO

from seatrial_backtesting.data import serialization
from seatrial_backtesting.data.loader import LoadedBars, LoadOptions, load
from seatrial_backtesting.data.tables import ReadLimits
from seatrial_backtesting.result.manifest import data_sha256
from seatrial_core.contracts.backtests import DatasetUpload
from seatrial_core.errors import ValidationFailed


@dataclass(frozen=True)
class ReadDataset:
    """A dataset as it is stored.

    Args:
        id: The hash of the bars.
        symbol: The symbol of the bars.
        bars: How many there are (>= 1).
        interval_ms: The usual distance of two bars.
        first_ms: Time of the first bar, epoch milliseconds.
        last_ms: Time of the last bar, epoch milliseconds.
        data_quality: What was found and repaired.
        content: The packed bars.
    """

    id: str
    symbol: str
    bars: int
    interval_ms: int
    first_ms: int
    last_ms: int
    data_quality: dict[str, object]
    content: bytes = field(repr=False)


def read_csv(body: BinaryIO, options: LoadOptions) -> ReadDataset:
    """Return the dataset in a CSV document.

    Raises:
        ValidationFailed: It is not CSV of bars.
    """
    content = body.read()
    if content[:2] == b"\x1f\x8b":
        raise ValidationFailed("the body is gzip; send the CSV as plain text")
    return _packed(load(content, options))


def read_json(body: BinaryIO, options: LoadOptions) -> ReadDataset:
    """Return the dataset in a JSON document of columns.

    Raises:
        ValidationError: It is not a DatasetUpload.
        ValidationFailed: Its columns are not bars.
    """
    upload = DatasetUpload.model_validate_json(body.read())
    columns = upload.candles.model_dump()
    limits = ReadLimits.of_rows(options.max_rows)
    if len(columns["time"]) > limits.rows:
        raise limits.too_many_rows("application/json")
    if not columns["volume"]:
        del columns["volume"]
    json_options = LoadOptions(
        upload.symbol, {}, options.on_bad_bar, None, upload.interval_ms or options.interval_ms, True
    )
    return _packed(load(columns, json_options))


def _packed(loaded: LoadedBars) -> ReadDataset:
    candles = loaded.candles
    return ReadDataset(
        id=data_sha256(candles),
        symbol=candles.symbol,
        bars=len(candles),
        interval_ms=candles.interval_ms,
        first_ms=int(candles.time_ms[0]),
        last_ms=int(candles.time_ms[-1]),
        data_quality=dict(loaded.data_quality),
        content=serialization.pack_candles(candles),
    )
