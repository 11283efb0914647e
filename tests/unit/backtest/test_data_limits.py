"""Files that unpack to very large tables are refused early, and damaged bytes are named in a sentence."""

import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_backtesting.data import csv_tables
from seatrial_backtesting.data.errors import DataError
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_backtesting.data.tables import MAX_ROWS, ReadLimits
from seatrial_core.errors import SeatrialError

HEADER = b"time,open,high,low,close,volume\n"
ROWS = b"".join(b"2020-01-%02d,1,2,1,2,5\n" % day for day in range(1, 29))
MAX_PEAK_KB = 600_000


def _read(content: bytes, limits: ReadLimits) -> int:
    table = csv_tables.read(io.BytesIO(content), "x.csv", limits)
    return len(table.columns["open"])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_rows_beyond_the_limit_are_refused(pack: type[bytes]) -> None:
    content = pack(HEADER + ROWS)

    assert _read(content, ReadLimits(rows=28)) == 28
    with pytest.raises(DataError, match=r"at most 27 rows; raise the limit with `--max-rows`.*max_rows"):
        _read(content, ReadLimits(rows=27))
    with pytest.raises(DataError, match="at most 27 rows"):
        load(content, LoadOptions(max_rows=27))
    assert len(load(content, LoadOptions(max_rows=28)).candles) == 28


@pytest.mark.parametrize("filling", [b"x" * 100 + b"\n", b"\n"], ids=["preamble", "blank_lines"])
def test_a_gzip_bomb_is_unpacked_up_to_the_limit_only(filling: bytes) -> None:
    bomb = gzip.compress(filling * (20_000_000 // len(filling)))
    assert len(bomb) < 100_000

    with pytest.raises(DataError, match=r"at most 1000000 bytes when unpacked .*`--max-rows`"):
        _read(bomb, ReadLimits(bytes=1_000_000))
    with pytest.raises(DataError, match="at most 5 rows"):
        _read(bomb, ReadLimits(rows=5))


def test_the_byte_limit_grows_with_the_rows() -> None:
    default = ReadLimits.of_rows(None)

    assert (default.rows, default.bytes) == (MAX_ROWS, 1 << 30)
    assert ReadLimits.of_rows(10).bytes == default.bytes
    assert ReadLimits.of_rows(2 * MAX_ROWS).bytes == 2 * default.bytes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + b"1," * 40_000 + b"\n", "line 2 of .* lines of fewer than 65536 characters"),
        (HEADER + b'1,2,"' + b"x\n" * 40_000, "closing quote"),
        (HEADER + b'1,"' + b'\n","' * 40_000, "closing quote"),
        (HEADER + b"1," * 1_001 + b"\n", "line 2 of .*at most 1000 columns"),
        (HEADER + b"9" * 200 + b"x,1,2,1,2,5\n", "at most 128 characters in a cell of the column 'time'"),
    ],
    ids=["line", "open_quote", "quoted_lines", "columns", "cell"],
)
def test_lines_columns_and_cells_are_limited(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(content)


def test_line_numbers_count_blank_lines_and_quoted_line_ends() -> None:
    quoted, bad, last = '2020-01-01,1,2,1,2,"a\nb"', "2020-01-02,1,2,1,oops,", "2020-01-03,1,2,1,2,"
    text = f"about\n\ntime,open,high,low,close,note\n\n{quoted}\n\n{bad}\n{last}\n"

    dropped = load(text.encode(), LoadOptions("X", on_bad_bar="drop")).data_quality["dropped_rows"]

    assert [row["row"] for row in dropped] == [8]
    with pytest.raises(DataError, match=r"line 5 of .*\['1', '2'\]"):
        load(b"\n\n" + HEADER + b"\n1,2\n")


def _damage(content: bytes, position: int, junk: bytes) -> bytes:
    return content[:position] + junk + content[position + len(junk) :]


PACKED = gzip.compress(HEADER + ROWS)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda tail: HEADER + tail),
        st.integers(0, len(PACKED)).map(lambda length: PACKED[:length]),
        st.builds(_damage, st.just(PACKED), st.integers(0, len(PACKED)), st.binary(min_size=1, max_size=8)),
        st.builds(_damage, st.just(HEADER + ROWS), st.integers(0, 400), st.binary(min_size=1, max_size=8)),
        st.text(alphabet='0123456789,;"\n\r\t.\x00-:\u2028', max_size=200).map(lambda text: HEADER + text.encode()),
    )
)
def test_damaged_bytes_give_bars_or_a_sentence(content: bytes) -> None:
    try:
        load(content)
    except SeatrialError as error:
        assert "Traceback" not in str(error)


RUN = """
import re
from pathlib import Path
from seatrial.cli.main import main
try:
    main()
finally:  # not ru_maxrss, which begins with the memory of the process that started this one
    print("peak", re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.parametrize(
    ("row", "repeats"),
    [(b"2020-01-01,1,2,1,2,5\n", 6_000_000), (b"x" * 60_000 + b"\n", 20_000)],
    ids=["rows", "bytes"],
)
def test_a_bomb_of_one_megabyte_is_refused_in_little_memory(tmp_path: Path, row: bytes, repeats: int) -> None:
    bomb = tmp_path / "bomb.csv.gz"
    part = gzip.compress(row * (repeats // 100))
    bomb.write_bytes(part * 100)
    assert bomb.stat().st_size < 2_000_000

    done = subprocess.run(
        [sys.executable, "-c", RUN, "backtest", "run", "--data", str(bomb), "--strategy", "macd"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert "--max-rows" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert int(done.stdout.split()[-1]) < MAX_PEAK_KB
