"""The benchmark pages show the committed results, and the comparison reports planted differences."""

import json
from pathlib import Path

import numpy as np
from benchmarks import page, rivals_page, table
from benchmarks.crosscheck import differing
from benchmarks.plan import TARGETS
from benchmarks.rules import Rules, Trade, trade

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
ONE = Trade(3, 100.0, 7, 104.0, 2.5)


def test_readme_shows_the_newest_results() -> None:
    newest = table.newest(RESULTS)
    readme = (ROOT / "README.md").read_text()

    shown = page.placed(readme, page.section(json.loads(newest.read_text()), newest.name))

    assert shown == readme, "run `make bench-page`"


def test_rivals_page_shows_the_newest_crosscheck() -> None:
    results = json.loads((RESULTS / "crosscheck.json").read_text())

    assert rivals_page.page(results) == rivals_page.PAGE.read_text(), "run `make crosscheck`"


def test_missed_target_says_no() -> None:
    quick, slow = ({"seconds_a_bar": seconds} for seconds in (1e-9, 7.9e-9))
    target = next(row for row in TARGETS if row.at_least == 8 and row.workload == "w1_sim")
    data = {"seeded": {"w1_sim": {target.own: quick, target.other: slow}}}

    line = table.judged_line(target, data, ["seeded"])

    assert "7.9 x | **no**" in line


def test_one_changed_number_is_a_differing_trade() -> None:
    others = [
        Trade(4, 100.0, 7, 104.0, 2.5),
        Trade(3, 100.1, 7, 104.0, 2.5),
        Trade(3, 100.0, 8, 104.0, 2.5),
        Trade(3, 100.0, 7, 104.1, 2.5),
        Trade(3, 100.0, 7, 104.0, 2.4),
    ]

    assert differing([ONE], [ONE]) == 0
    assert all(differing([ONE], [other]) for other in others)
    assert differing([ONE], []) == 1


def test_plain_account_closes_at_the_stop_of_the_entry_bar() -> None:
    columns = {
        "open": np.array([100.0, 100.0, 100.0]),
        "high": np.array([100.0, 101.0, 101.0]),
        "low": np.array([100.0, 97.0, 99.0]),
        "close": np.array([100.0, 99.0, 100.0]),
        "entry": np.array([True, False, False]),
        "leave": np.zeros(3, dtype=np.bool_),
        "stops": np.array([0.02, 0.04]),
    }

    trades, final = trade(columns, Rules(), cash=1_000.0, fee=0.0)
    later, _ = trade(columns, Rules(stops_live="next bar"), cash=1_000.0, fee=0.0)

    assert trades == [Trade(1, 100.0, 1, 98.0, 10.0)]
    assert final == 980.0
    assert later == [Trade(1, 100.0, 2, 100.0, 10.0)]
