"""A column of numbers with some cells that are none: numbers in an array, and the texts of the first bad cells."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.bad_rows import BadRows, first


@dataclass(frozen=True, eq=False)
class NumberCells:
    """Cells as numbers.

    Args:
        numbers: The numbers, NaN where a cell is none, float64[n].
        is_bad: Whether a cell is no number, bool[n].
        cells: The first bad cells by position.
    """

    numbers: NDArray[np.float64]
    is_bad: NDArray[np.bool_]
    cells: Mapping[int, Any]  # Any: as the source has them

    @classmethod
    def parse(cls, cells: Sequence[Any] | NDArray[Any], *, empty_is_zero: bool) -> "NumberCells":
        """Return cells as numbers.

        Args:
            cells: Texts or numbers; a text may have commas between thousands.
            empty_is_zero: Whether an empty text is 0.
        """
        numbers = np.full(len(cells), np.nan)
        is_bad = np.zeros(len(cells), dtype=np.bool_)
        for row, cell in enumerate(cells):
            text = str(cell).strip().replace(",", "")
            try:
                numbers[row] = float(text) if text or not empty_is_zero else 0.0
            except ValueError:
                is_bad[row] = True
        return cls(numbers, is_bad, {row: cells[row] for row in first(is_bad)})

    @classmethod
    def join(cls, parts: Sequence["NumberCells | NDArray[Any]"]) -> "NumberCells":
        """Return one column of its parts."""
        columns = [part if isinstance(part, cls) else cls._of(np.asarray(part)) for part in parts]
        starts = np.cumsum([0, *map(len, columns)]).tolist()
        cells = {
            start + row: cell
            for start, column in zip(starts, columns, strict=False)
            for row, cell in column.cells.items()
        }
        return cls(
            np.concatenate([column.numbers for column in columns]),
            np.concatenate([column.is_bad for column in columns]),
            cells,
        )

    @classmethod
    def _of(cls, numbers: NDArray[np.float64]) -> "NumberCells":
        return cls(numbers, np.zeros(len(numbers), dtype=np.bool_), {})

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, row: Any) -> Any:  # Any: a Sequence of numbers or texts
        return self.cells.get(row, self.numbers[row])

    def __iter__(self) -> Iterator[Any]:  # Any: a number, or the text of a bad cell
        return (self[row] for row in range(len(self)))

    def take(self, rows: NDArray[np.intp]) -> "NumberCells":
        """Return some rows."""
        places = {row: place for place, row in enumerate(rows.tolist()) if row in self.cells}
        cells = {place: self.cells[row] for row, place in places.items()}
        return NumberCells(self.numbers[rows], self.is_bad[rows], cells)

    def bad_rows(self, name: str) -> BadRows:
        """Return the rows with a bad cell; `name` is that of the column."""
        reasons = {}
        for row in first(self.is_bad):
            shown = f"{name} is {self.cells[row]!r}, which is" if row in self.cells else f"{name} is"
            reasons[row] = f"{shown} not a number"
        return BadRows(self.is_bad, reasons)
