"""Converts and checks the arguments of indicators."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import field_error

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MAX_WINDOW = 1_000_000


def column(values: Floats | Sequence[float]) -> Floats:
    """Return a read-only float64 view of `values`, copying only when it must.

    One array type for all callers also means one compiled version of every loop.

    Raises:
        ValidationFailed: `values` has more or fewer than one dimension.
    """
    array = np.ascontiguousarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise field_error("values", f"an array of {array.ndim} dimensions", "one dimension")
    view = array.view()
    view.flags.writeable = False
    return view


def window(name: str, n: int, lowest: int = 1) -> int:
    """Return `n` as a valid window length.

    Args:
        name: Field name for the error.
        n: Number of bars, `lowest` to 1,000,000.
        lowest: Smallest allowed value.

    Raises:
        ValidationFailed: `n` is no whole number in that range.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not lowest <= n <= MAX_WINDOW:
        raise field_error(name, n, f"a whole number of bars from {lowest} to {MAX_WINDOW}")
    return int(n)
