"""The conformance cases: a signal bar, the bars after it, and the expected fills, computed by hand.

The test compares them with the kernel; `scripts/conformance_page.py` writes them to docs/execution.md from real runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tests.unit.matching.tables import FREE, SIGNAL_BAR, Bar, one_entry, run

from seatrial_trading.matching import OrderKind, Simulation
from seatrial_trading.matching.config import IntrabarName

NAN = float("nan")
CALM = SIGNAL_BAR
MIDDLE = 100.0
Exit = tuple[float, str]


@dataclass(frozen=True)
class Case:
    """One position: the bars after the signal bar, its orders, and its expected exit.

    Args:
        id, text: Identifier and description.
        bars: Open, high, low, close of each bar after the signal bar.
        exit: Price and reason of the exit of a long position under `worst`.
        entry: Price of its entry; None for the open of the first bar after the signal.
        best, nearest: The exit under those; None where it is the same.
        is_ambiguous: Whether the order of high and low decides.
        kind, limit, trigger: The entry order.
        stop, target, trail: What protects the position, as prices; the trail as a distance.
        is_auction, is_through: Whether favourable gaps fill at the open, and limits only when passed by a tick (0.5).
    """

    id: str
    text: str
    bars: tuple[Bar, ...]
    exit: Exit
    entry: float | None = None
    best: Exit | None = None
    nearest: Exit | None = None
    is_ambiguous: bool = False
    kind: OrderKind = OrderKind.MARKET
    limit: float = NAN
    trigger: float = NAN
    stop: float = 95.0
    target: float = 105.0
    trail: float = NAN
    is_auction: bool = False
    is_through: bool = False


STOPPED: Exit = (95.0, "stop_loss")
WON: Exit = (105.0, "take_profit")
TRAILED: Exit = (104.5, "trailing")
BOTH: Bar = (100, 106, 94, 100)
ABOVE: Bar = (110, 112, 108, 111)


def trailing(name: str, text: str, *bars: Bar) -> Case:
    """Return a case of a trailing stop 5.5 below the peak, and nothing else."""
    return Case(name, text, bars, TRAILED, stop=NAN, target=NAN, trail=5.5)


CASES = [
    Case("A", "the entry bar hits both", (BOTH,), STOPPED, best=WON, is_ambiguous=True),
    Case("B", "a later bar hits both", (CALM, BOTH), STOPPED, best=WON, is_ambiguous=True),
    Case("B2", "both, the open near the high", (CALM, (104, 106, 94, 96)), STOPPED, None, WON, WON, is_ambiguous=True),
    Case("C", "a gap through the stop", (CALM, (90, 92, 88, 91)), (90, "stop_loss")),
    Case("D", "a gap through the target", (CALM, ABOVE), WON),
    Case("D2", "the same in an auction", (CALM, ABOVE), (110, "take_profit"), is_auction=True),
    Case("E", "the low is the stop", (CALM, (100, 101, 95, 99)), STOPPED),
    Case("F", "the high is the target", (CALM, (100, 105, 99, 101)), WON),
    Case(
        "F2", "the same where limits must be passed", (CALM, (100, 105, 99, 101)), (101, "end_of_data"), is_through=True
    ),
    Case("G", "a gap below the stop, then a rally", (CALM, (90, 106, 88, 100)), (90, "stop_loss")),
    Case("H", "still open at the end: closed at the last close", (CALM, (100, 102, 100, 102)), (102, "end_of_data")),
    Case("J", "the entry bar hits the stop", ((100, 101, 94, 96),), STOPPED),
    Case("K", "the entry bar hits the target", ((100, 106, 99, 104),), WON),
    replace(
        trailing("T1", "trailing, high then low", CALM, (106, 110, 104, 108), (108, 109, 107, 108)),
        best=(108.0, "end_of_data"),
        nearest=(108.0, "end_of_data"),
        is_ambiguous=True,
    ),
    trailing("T2", "trailing, on the next bar", CALM, (106, 110, 106, 108), (108, 109, 103, 104)),
    trailing("T3", "trailing, on the entry bar", (100, 110, 100, 104), (104, 105, 104, 105)),
    replace(
        trailing("T4", "trailing, lifted by the open of a gap", CALM, (106, 106, 100, 103)), exit=(100.5, "trailing")
    ),
    Case(
        "L1",
        "a stop entry is not charged what came before its fill",
        ((100, 109, 97, 105),),
        (108, "take_profit"),
        entry=103,
        kind=OrderKind.STOP,
        trigger=103,
        stop=98,
        target=108,
    ),
    Case(
        "L2",
        "a limit entry takes part in the rest of its bar only",
        ((100, 105, 96, 99),),
        (99, "end_of_data"),
        entry=97,
        best=(104, "take_profit"),
        nearest=(104, "take_profit"),
        is_ambiguous=True,
        kind=OrderKind.LIMIT,
        limit=97,
        target=104,
    ),
    Case(
        "L3",
        "a fall through limit and stop",
        ((100, 103, 94, 99),),
        STOPPED,
        entry=97,
        kind=OrderKind.LIMIT,
        limit=97,
        target=104,
    ),
    Case(
        "L4",
        "a target reached before the fill is no profit",
        ((100, 105, 94, 99),),
        STOPPED,
        entry=97,
        kind=OrderKind.LIMIT,
        limit=97,
        target=104,
    ),
    Case("L5", "the open is below the stop: in and out there", ((94, 96, 93, 95),), (94, "stop_loss")),
    Case("L6", "the open is above the target: in and out there", ((106, 107, 105.5, 106),), (106, "take_profit")),
]


def reflected(price: float) -> float:
    """Return the price as far on the other side of 100; nothing where there is none."""
    return 2 * MIDDLE - price


def fills(case: Case, intrabar: IntrabarName = "worst", *, is_short: bool = False) -> Simulation:
    """Run a case, or its short mirror about 100."""
    way = reflected if is_short else float
    bars: Sequence[Bar] = [SIGNAL_BAR, *case.bars]
    if is_short:
        bars = [(way(o), way(low), way(h), way(c)) for o, h, low, c in bars]
    n = len(bars)
    signals = replace(
        one_entry(n, way(case.stop), way(case.target), case.trail, side=-1 if is_short else 1),
        entry_type=np.full(n, case.kind, dtype=np.int8),
        limit_price=np.full(n, way(case.limit)),
        stop_price=np.full(n, way(case.trigger)),
    )
    config = replace(
        FREE,
        allow_short=True,
        intrabar=intrabar,
        session="auction" if case.is_auction else "continuous",
        limit_fill="through" if case.is_through else "touch",
        tick_size=0.5 if case.is_through else 0.0,
    )
    return run(bars, signals, config)
