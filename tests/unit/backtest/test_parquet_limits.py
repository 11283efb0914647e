"""A small Parquet file that holds a very large table, or no table, is refused in little memory, with a sentence."""

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from seatrial_backtesting.data import parquet_tables
from seatrial_backtesting.data.errors import DataError
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_backtesting.data.tables import ReadLimits

ROWS = 2_000
MAX_PEAK_KB = 300_000
LONG = "x" * 100_000
Columns = dict[str, object]

RUN = """
import re, sys
from pathlib import Path
from seatrial_backtesting.data.loader import load
try:
    load(sys.argv[1])
except Exception as error:
    print(type(error).__name__, str(error)[:300])
print("peak", re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def _bars(rows: int = ROWS, **columns: object) -> Columns:
    times = 1_600_000_000_000 + 60_000 * np.arange(rows)
    return {"time": times, **dict.fromkeys(("open", "high", "low", "close", "volume"), np.ones(rows)), **columns}


def _file(folder: Path, columns: Columns, **options: object) -> Path:
    path = folder / "bars.parquet"
    parquet.write_table(pa.table(columns), path, **options)
    return path


def _repeated(text: str, rows: int = ROWS) -> object:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([text]))


def test_an_honest_file_is_read_whole(tmp_path: Path) -> None:
    times = pa.array([1_600_000_000_000_000 + 60_000_000 * n for n in range(ROWS)], pa.timestamp("us", "UTC"))
    columns = _bars(time=times, symbol=_repeated("BTCUSDT"), note=pa.array([{"a": [1]}] * ROWS))
    before = resource.getrlimit(resource.RLIMIT_DATA)

    candles = load(_file(tmp_path, columns, row_group_size=300)).candles

    assert (len(candles), candles.symbol, candles.interval_ms) == (ROWS, "BTCUSDT", 60_000)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_rows_bytes_and_columns_of_the_footer_are_limited(tmp_path: Path) -> None:
    path = _file(tmp_path, _bars())

    with pytest.raises(DataError, match=r"at most 1999 rows; raise the limit with `--max-rows`"):
        load(path, LoadOptions(max_rows=ROWS - 1))
    with pytest.raises(DataError, match="at most 10000 bytes when unpacked"):
        parquet_tables.read(path, ReadLimits(bytes=10_000))
    with pytest.raises(DataError, match=r"1006 columns.*at most 1000 columns"):
        load(_file(tmp_path, _bars(1, **{f"x{number}": [1] for number in range(1_000)})))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[1.0, 2.0]] * ROWS),
        pa.array([{"a": 1.0}] * ROWS),
        pa.array([[("a", 1.0)]] * ROWS, pa.map_(pa.string(), pa.float64())),
        pa.array([b"1"] * ROWS),
    ],
    ids=["list", "struct", "map", "binary"],
)
def test_a_column_of_a_bar_holds_cells_only(tmp_path: Path, values: object) -> None:
    with pytest.raises(DataError, match=r"column 'close'.*numbers, times or texts"):
        load(_file(tmp_path, _bars(close=values)))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table(_bars()).append_column("close", pa.array(np.ones(ROWS)))
    parquet.write_table(table, tmp_path / "bars.parquet")

    with pytest.raises(DataError, match="each name once"):
        load(tmp_path / "bars.parquet")


@pytest.mark.parametrize("cut", [0, 4, 100, -4, -9])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    path = _file(tmp_path, _bars())
    content = path.read_bytes()
    path.write_bytes(content[:cut] + b"\xff" * 8 + content[cut:][8:])

    with pytest.raises(DataError, match="a Parquet file"):
        load(path)


def _write_dictionary(path: Path) -> None:
    columns = _bars(300_000, time=_repeated(LONG, 300_000))  # 30 GB of text in some kB
    parquet.write_table(pa.table(columns), path)


def _write_prefixes(path: Path) -> None:
    # Each value repeats the previous one but for nothing: 4 GB of text that no dictionary holds back.
    schema = pa.schema([("time", pa.string()), *((name, pa.float64()) for name in ("open", "high", "low", "close"))])
    encoding = {"time": "DELTA_BYTE_ARRAY"}
    part = pa.table({"time": [LONG] * 2_000, **{name: np.ones(2_000) for name in schema.names[1:]}}, schema=schema)
    with parquet.ParquetWriter(path, schema, use_dictionary=False, column_encoding=encoding) as writer:
        for _ in range(20):
            writer.write_table(part)


@pytest.mark.parametrize(
    ("write", "message"),
    [(_write_dictionary, "at most 128 bytes in a cell"), (_write_prefixes, "plain or dictionary encoding")],
    ids=["dictionary", "prefixes"],
)
def test_texts_that_expand_take_little_memory(tmp_path: Path, write: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "bomb.parquet"
    write(path)
    assert path.stat().st_size < 8_000_000

    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.startswith("DataError"), done.stdout + done.stderr
    assert message in done.stdout
    assert int(done.stdout.split()[-1]) < MAX_PEAK_KB
