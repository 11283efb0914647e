"""Texts that make a regular expression or a parser with a quadratic path slow, and the measurement of its growth."""

import time
from collections.abc import Callable, Iterator
from itertools import product

LENGTH = 2_000
FACTOR = 4
# Four times the text takes four times the time; a quadratic expression takes sixteen times.
MAX_RATIO = 9.0
NOTICEABLE_SECONDS = 0.003  # what is faster than this for the long text is not measured more exactly
MEASUREMENTS = 3
CHARACTERS = tuple("aA0_-. \t\n@:/=\"'\\<[(,%")


def hostile_texts(pieces: tuple[str, ...], length: int) -> Iterator[str]:
    """Yield long texts of every piece, alone and in pairs.

    Args:
        pieces: Characters and words.
        length: The length of each text.
    """
    for piece in pieces:
        yield _filled(piece, length)
    for first, second in product(pieces, pieces):
        if first != second:
            yield first + _filled(second, length)
            yield _filled(first + second, length)
            yield _filled(second, length) + first


def slowest_growth(apply: Callable[[str], object], pieces: tuple[str, ...], length: int = LENGTH) -> tuple[float, str]:
    """Return by what factor the time grows with a text of FACTOR times the length, and that text.

    The first text beyond MAX_RATIO is returned, else the worst one.
    """
    worst = (0.0, "")
    usual = _seconds(apply, _filled("a", length * FACTOR), 1)
    for short, long in zip(hostile_texts(pieces, length), hostile_texts(pieces, length * FACTOR), strict=True):
        if _seconds(apply, long, 1) > max(NOTICEABLE_SECONDS, 3 * usual):
            ratio = _seconds(apply, long, MEASUREMENTS) / max(_seconds(apply, short, MEASUREMENTS), 1e-6)
            worst = max(worst, (ratio, long[:40]))
            if ratio > MAX_RATIO:
                break
    return worst


def _filled(piece: str, length: int) -> str:
    return (piece * (length // len(piece) + 1))[:length]


def _seconds(apply: Callable[[str], object], text: str, measurements: int) -> float:
    best = float("inf")
    for _ in range(measurements):
        started = time.thread_time()
        apply(text)
        best = min(best, time.thread_time() - started)
    return best
