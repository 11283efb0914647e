"""Reads Parquet: what the footer says is checked before a value is read, and every batch after it."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seatrial_backtesting.data.csv_tables import MAX_CELL, MAX_FIELDS
from seatrial_backtesting.data.errors import data_error
from seatrial_backtesting.data.tables import Column, LazyColumns, RawTable, ReadLimits, is_read

BATCH_ROWS = 16_384
FOOTER_LIMITS = {"thrift_string_size_limit": 4 << 20, "thrift_container_size_limit": 100_000}
RESERVE_BYTES = 512 << 20


def read(path: Path, limits: ReadLimits) -> RawTable:
    """Return the table of a Parquet file; columns that no bar needs are not read.

    Args:
        path: The file.
        limits: Rows, and bytes of the columns that are read, beyond which it is refused.

    Raises:
        DataError: It is not Parquet, holds lists or structures where a bar needs values, or exceeds a limit.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        allowed = "a CSV file; to read Parquet, install pyarrow: pip install pyarrow"
        raise data_error("data", str(path), allowed) from error
    try:
        with _limited_memory(limits):
            with parquet.ParquetFile(path, **FOOTER_LIMITS) as file:
                names = _checked_names(file, str(path), limits)
                texts = [name for name in names if _is_text(file.schema_arrow.field(name).type)]
                all_names = file.schema_arrow.names
            # A text that many rows share stays one value until its length is known.
            with parquet.ParquetFile(path, read_dictionary=texts, **FOOTER_LIMITS) as file:
                table = _read_batches(file, names, str(path), limits)
    except MemoryError:
        raise limits.too_many_bytes(str(path)) from None
    except (OSError, ValueError) as error:
        raise data_error("data", str(path), f"a Parquet file ({error})") from error
    return RawTable(LazyColumns(all_names, lambda name: _values(table.column(name))), str(path))


def _checked_names(file: Any, source: str, limits: ReadLimits) -> list[str]:  # Any: of pyarrow
    metadata = file.metadata
    if metadata.num_rows > limits.rows:
        raise limits.too_many_rows(source)
    if metadata.num_columns > MAX_FIELDS:
        raise data_error("data", f"{source}: {metadata.num_columns} columns", f"at most {MAX_FIELDS} columns")
    names = [name for name in file.schema_arrow.names if is_read(name)]
    if len(set(names)) < len(names):
        raise data_error(f"the columns of {source}", sorted(names), "each name once")
    for name in names:
        kind = file.schema_arrow.field(name).type
        if not _is_cell(kind):
            allowed = "a column of numbers, times or texts; remove or rename it if it holds no part of a bar"
            raise data_error(f"{source}: column {name!r}", str(kind)[:MAX_CELL], allowed)
    _check_chunks(metadata, set(names), source, limits)
    return names


def _check_chunks(metadata: Any, names: set[str], source: str, limits: ReadLimits) -> None:  # Any: of pyarrow
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
    size = 0
    for chunk in (chunk for chunk in chunks if chunk.path_in_schema in names):
        size += abs(chunk.total_uncompressed_size)
        if size > limits.bytes:
            raise limits.too_many_bytes(source)
        if chunk.physical_type == "BYTE_ARRAY" and any(name.startswith("DELTA") for name in chunk.encodings):
            # Such texts can only be read at their full length, of which a few bytes may mean gigabytes.
            place = f"{source}: {chunk.path_in_schema} in {', '.join(chunk.encodings)}"
            raise data_error("data", place, "a Parquet file with its texts in plain or dictionary encoding")


def _is_cell(kind: Any) -> bool:  # Any: a pyarrow DataType
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_cell(kind.value_type) and not types.is_dictionary(kind.value_type)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind)
    return is_number or types.is_timestamp(kind) or types.is_date(kind) or types.is_null(kind) or _is_text(kind)


def _is_text(kind: Any) -> bool:  # Any: a pyarrow DataType
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _read_batches(file: Any, names: list[str], source: str, limits: ReadLimits) -> Any:  # Any: of pyarrow
    from pyarrow import RecordBatch, Table

    batches, rows, size = [], 0, 0
    # One column after another, as a page of each may be as large as the limit; the footer may have been wrong.
    for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
        columns = [_plain(column, name, source) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
        plain = RecordBatch.from_arrays(columns, names=batch.schema.names)
        rows, size = rows + plain.num_rows, size + plain.nbytes
        if rows > limits.rows:
            raise limits.too_many_rows(source)
        if size > limits.bytes:
            raise limits.too_many_bytes(source)
        batches.append(plain)
    return Table.from_batches(batches) if batches else file.schema_arrow.empty_table()


def _plain(column: Any, name: str, source: str) -> Any:  # Any: a pyarrow Array
    from pyarrow import compute, types

    is_dictionary = types.is_dictionary(column.type)
    values = column.dictionary if is_dictionary else column
    if _is_text(values.type) and (compute.max(compute.binary_length(values)).as_py() or 0) > MAX_CELL:
        allowed = f"at most {MAX_CELL} bytes in a cell of the column {name!r}"
        raise data_error("data", source, allowed)
    return column.dictionary_decode() if is_dictionary else column


def _values(column: Any) -> Column:  # Any: a pyarrow ChunkedArray
    if getattr(column.type, "tz", None):
        values: Column = column.to_pylist()
        return values
    return np.asarray(column.to_numpy())


@contextlib.contextmanager
def _limited_memory(limits: ReadLimits) -> Iterator[None]:
    # A page may unpack to 2 GiB whatever the footer says, so the process gets a limit while it reads (Linux).
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit_bytes = _data_bytes() + limits.bytes + RESERVE_BYTES
    if any(limit not in (-1, resource.RLIM_INFINITY) and limit < limit_bytes for limit in (soft, hard)):
        limit_bytes = soft
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    import resource

    return pages * resource.getpagesize()
