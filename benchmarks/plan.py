"""The engines, their workloads and numbers of bars, and the targets of the measurements."""

from dataclasses import dataclass
from typing import Literal

Figure = Literal["seconds_a_bar", "peak_rss_mb", "seconds"]


@dataclass(frozen=True)
class Contender:
    """An engine in a separate environment.

    Args:
        name: Name in the table.
        home: Its virtual environment.
        script: Its side, under `contenders/`.
        engine: Which of its engines, where it has several.
    """

    name: str
    home: str
    script: str
    engine: str = ""


OURS = Contender("seatrial", ".bench/seatrial", "ours_side.py")
RUST = Contender("vectorbt (rust)", ".bench/vectorbt", "vectorbt_side.py", "rust")
NUMBA = Contender("vectorbt (numba)", ".bench/vectorbt", "vectorbt_side.py", "numba")
RAPTORBT = Contender("raptorbt", ".bench/raptorbt", "raptorbt_side.py")
BACKTESTING = Contender("backtesting.py", ".bench/backtesting", "backtesting_side.py")
BACKTRADER = Contender("backtrader", ".bench/backtesting", "backtrader_side.py")
NAUTILUS = Contender("nautilus_trader", ".bench/nautilus", "nautilus_side.py")


@dataclass(frozen=True)
class Entry:
    """A contender's part in a workload.

    Args:
        contender: Who.
        task: Which of its functions.
        max_bars: Slow ones run fewer bars; the table says so and compares seconds a bar.
        max_repeats: Slow ones repeat less often, five times at least.
    """

    contender: Contender
    task: str
    max_bars: int = 1_000_000
    max_repeats: int = 9

    @property
    def key(self) -> str:
        """Return what the entry is called in the results."""
        return f"{self.contender.name}: {self.task}"


@dataclass(frozen=True)
class Workload:
    """Contenders with one task, which run alternately."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    bars: int = 1_000_000


CALLBACK_BARS = 50_000
SLOW_BARS = 10_000
WORKLOADS = (
    Workload(
        "w1_sim",
        "W1, simulation from given entries: trades and equity",
        (
            Entry(OURS, "w1_sim", max_repeats=15),
            Entry(RUST, "w1_orders"),
            Entry(RUST, "w1_sim"),
            Entry(NUMBA, "w1_orders"),
            Entry(NUMBA, "w1_sim"),
            Entry(RAPTORBT, "w1_sim"),
            Entry(BACKTESTING, "w1_sim", max_bars=SLOW_BARS, max_repeats=5),
            Entry(BACKTRADER, "w1_sim", max_bars=SLOW_BARS, max_repeats=5),
            Entry(NAUTILUS, "w1_sim", max_bars=SLOW_BARS, max_repeats=5),
        ),
    ),
    Workload(
        "w1_e2e",
        "W1, end to end: indicators, trades, equity, metrics",
        (
            Entry(OURS, "w1_e2e", max_repeats=15),
            Entry(RUST, "w1_e2e_plain"),
            Entry(RUST, "w1_e2e"),
            Entry(NUMBA, "w1_e2e"),
            Entry(RAPTORBT, "w1_e2e"),
            Entry(BACKTESTING, "w1_e2e", max_repeats=5),
        ),
    ),
    Workload(
        "own",
        "Everything on against our plain path",
        (
            Entry(OURS, "w1_sim", max_repeats=15),
            Entry(OURS, "w1_costly", max_repeats=15),
            Entry(OURS, "w1_everything", max_repeats=5),
            Entry(OURS, "w1_tight", max_repeats=5),
            Entry(OURS, "w1_tight_everything", max_repeats=5),
        ),
    ),
    Workload(
        "w3_light",
        "W3, light callback on every bar",
        (
            Entry(OURS, "w3_light", max_repeats=15),
            Entry(OURS, "w3_rows", max_repeats=15),
            Entry(RAPTORBT, "w3_light"),
            Entry(BACKTESTING, "w3_light", max_repeats=7),
            Entry(BACKTRADER, "w3_light", max_bars=SLOW_BARS, max_repeats=5),
            Entry(NAUTILUS, "w3_light", max_bars=SLOW_BARS, max_repeats=5),
        ),
        CALLBACK_BARS,
    ),
    Workload(
        "w3_window",
        "W3, mean and deviation of 20 closes in a callback",
        (
            Entry(OURS, "w3_window", max_repeats=15),
            Entry(RAPTORBT, "w3_window"),
            Entry(BACKTESTING, "w3_window", max_repeats=5),
            Entry(BACKTRADER, "w3_window", max_bars=SLOW_BARS, max_repeats=5),
            Entry(NAUTILUS, "w3_window", max_bars=SLOW_BARS, max_repeats=5),
        ),
        CALLBACK_BARS,
    ),
)


@dataclass(frozen=True)
class Target:
    """How many times better ours must be than another entry of the same workload.

    Args:
        what: As the table says it.
        workload, other, own: The entries compared.
        at_least: Their time over ours; None: reported without a target.
        figure: What is compared.
    """

    what: str
    workload: str
    other: str
    own: str
    at_least: float | None
    figure: Figure = "seconds_a_bar"


def _key(contender: Contender, task: str) -> str:
    return Entry(contender, task).key


SIM, E2E, LIGHT, ROWS, WIDE = (_key(OURS, task) for task in ("w1_sim", "w1_e2e", "w3_light", "w3_rows", "w3_window"))
TARGETS = (
    Target("W1 simulation, vectorbt rust", "w1_sim", _key(RUST, "w1_sim"), SIM, 8),
    Target(
        "The same, against its orders alone: no equity, no trade list", "w1_sim", _key(RUST, "w1_orders"), SIM, None
    ),
    Target("W1 simulation, vectorbt numba", "w1_sim", _key(NUMBA, "w1_sim"), SIM, 20),
    Target("W1 end to end, vectorbt rust, all its metrics", "w1_e2e", _key(RUST, "w1_e2e"), E2E, 10),
    Target("The same, against final value and number of trades alone", "w1_e2e", _key(RUST, "w1_e2e_plain"), E2E, None),
    Target("W1 end to end, raptorbt, all its metrics", "w1_e2e", _key(RAPTORBT, "w1_e2e"), E2E, 10),
    Target("W1 end to end, backtesting.py, all its metrics", "w1_e2e", _key(BACKTESTING, "w1_e2e"), E2E, 500),
    Target("W3 light callback, backtesting.py", "w3_light", _key(BACKTESTING, "w3_light"), LIGHT, 8),
    Target("W3 light callback, raptorbt", "w3_light", _key(RAPTORBT, "w3_light"), LIGHT, 3.5),
    Target("W3 light callback, backtrader", "w3_light", _key(BACKTRADER, "w3_light"), LIGHT, 100),
    Target("W3 light by the guide's rows, backtesting.py", "w3_light", _key(BACKTESTING, "w3_light"), ROWS, 8),
    Target("W3 light by the guide's rows, raptorbt", "w3_light", _key(RAPTORBT, "w3_light"), ROWS, 3.5),
    Target("W3 window callback, backtesting.py", "w3_window", _key(BACKTESTING, "w3_window"), WIDE, 10),
    Target("Peak memory of W1 end to end, vectorbt rust", "w1_e2e", _key(RUST, "w1_e2e"), E2E, 1, "peak_rss_mb"),
    Target(
        "Peak memory of W1 end to end, backtesting.py", "w1_e2e", _key(BACKTESTING, "w1_e2e"), E2E, 1, "peak_rss_mb"
    ),
)
# Other kinds of targets: ours against ours, against a fixed number, and whole processes.
MAX_TIMES_SLOWER = 3.0
MIN_BARS_A_SECOND = 1_000_000
MAX_HELP_SECONDS = 0.5
