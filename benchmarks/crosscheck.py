"""`make crosscheck`: the same signals on the same bars with us and three rivals, compared trade by trade."""

import json
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data, rivals_page
from benchmarks.rules import Columns, Rules, Trade, trade
from benchmarks.running import ROOT, SIDES
from seatrial_trading.matching import ExecutionConfig, simulate
from seatrial_trading.matching.layout import T_ENTRY_INDEX, T_ENTRY_PRICE, T_EXIT_INDEX, T_EXIT_PRICE, T_QUANTITY
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.signals import Signals

CASH, FEE, CLOSE_ENOUGH = 1_000_000.0, 0.001, 1e-9
STOPS = (0.02, 0.04)
SEEDS = (11, 12, 13)
RANDOM_BARS = 5_000
SHIPPED = ".bench/backtesting/lib/python3*/site-packages/backtesting/test"
Facts = dict[str, Any]  # Any: JSON
# The rules of ours that are theirs instead, in the order in which they are exchanged one by one.
THEIR_RULES: dict[str, dict[str, Any]] = {  # Any: values of Rules
    "vectorbt": {"reserve": "entry", "stops_live": "next bar", "target_opens_first": False, "ending": "marked"},
    "backtesting": {"reserve": "entry", "whole_units": True, "stops_from": "signal", "ending": "last open"},
    "backtrader": {
        "reserve": "none",
        "share": 0.99,
        "sized_at": "signal",
        "whole_units": True,
        "refuse": True,
        "stops_live": "next bar",
        "target_opens_first": False,
        "ending": "marked",
    },
}
HOMES = {"vectorbt": "vectorbt", "backtesting": "backtesting", "backtrader": "backtesting"}


def main() -> None:
    """Trade, compare, write the results and the page."""
    cases = {f"{name}, {kind}": columns for name, bars in _data().items() for kind, columns in _signals(bars).items()}
    files = _stored(cases)
    results: Facts = {"versions": {}, "cases": {}}
    answers = {rival: _asked(rival, files) for rival in THEIR_RULES}
    for number, (name, columns) in enumerate(cases.items()):
        ours, final = _ours(columns)
        by_rules, by_rules_final = trade(columns, Rules(), CASH, FEE)
        same = differing(ours, by_rules) == 0 and _close(final, by_rules_final)
        case: Facts = {"bars": len(columns["close"]), "trades": len(ours), "final": final, "rules_give_ours": same}
        for rival, answer in answers.items():
            results["versions"][rival] = answer[number]["version"]
            case[rival] = compared(columns, ours, answer[number], THEIR_RULES[rival])
        results["cases"][name] = case
    out = ROOT / "benchmarks" / "results" / "crosscheck.json"
    out.write_text(json.dumps(results, indent=1) + "\n")
    rivals_page.write(results)
    print(rivals_page.table(results))
    print(f"written to {out} and docs/rivals.md")


def compared(columns: Columns, ours: list[Trade], answer: Facts, their_rules: Facts) -> Facts:
    """Return how a rival's trades differ from ours, rule by rule, and how many trades no rule explains."""
    theirs = [Trade(*row) for row in answer["trades"]]
    rules, before, steps = Rules(), ours, {}
    _, final = trade(columns, rules, CASH, FEE)
    for name, value in their_rules.items():
        rules = replace(rules, **{name: value})
        after, final = trade(columns, rules, CASH, FEE)
        steps[name] = differing(before, after)
        before = after
    explained = _close(final, answer["final"])
    return {
        "trades": len(theirs),
        "final": answer["final"],
        "same_bars": _same_bars(ours, theirs),
        "changed_by": steps,
        "unexplained": differing(before, theirs),
        "final_explained": explained,
        "rules": asdict(rules),
    }


def differing(some: list[Trade], others: list[Trade]) -> int:
    """Return how many trades of either side have no equal on the other, to 1e-9 of each number."""
    left, right = {one.entry: one for one in some}, {one.entry: one for one in others}
    return sum(
        entry not in left or entry not in right or not _equal(left[entry], right[entry])
        for entry in left.keys() | right.keys()
    )


def _equal(one: Trade, other: Trade) -> bool:
    prices = ((one.entry_price, other.entry_price), (one.exit_price, other.exit_price), (one.quantity, other.quantity))
    return one.exit == other.exit and all(_close(a, b) for a, b in prices)


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE_ENOUGH * max(abs(a), abs(b))


def _same_bars(some: list[Trade], others: list[Trade]) -> int:
    return len({(one.entry, one.exit) for one in some} & {(one.entry, one.exit) for one in others})


def _ours(columns: Columns) -> tuple[list[Trade], float]:
    size, (stop, target) = len(columns["close"]), columns["stops"]
    signals = Signals(
        entry=columns["entry"].astype(np.int8),
        exit=columns["leave"],
        stop_loss=np.full(size, stop),
        take_profit=np.full(size, target),
    )
    config = ExecutionConfig(cash=CASH, taker_fee_rate=FEE, session="auction")
    run = simulate(_candles(columns), signals, config)
    places = (T_ENTRY_INDEX, T_ENTRY_PRICE, T_EXIT_INDEX, T_EXIT_PRICE, T_QUANTITY)
    rows = run.table[:, places].tolist()
    return [Trade(int(a), b, int(c), d, e) for a, b, c, d, e in rows], float(run.equity[-1])


def _asked(rival: str, files: list[Path]) -> list[Facts]:
    python = ROOT / ".bench" / HOMES[rival] / "bin" / "python"
    script = SIDES / f"crosscheck_{rival}.py"
    print(f"asking {rival}", flush=True)
    done = subprocess.run([python, script, *files], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{rival} failed: {done.stderr.strip().splitlines()[-1]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _data() -> dict[str, Columns]:
    folder = next(ROOT.glob(SHIPPED))
    sets = {"GOOG daily": _read(folder / "GOOG.csv"), "EURUSD hourly": _read(folder / "EURUSD.csv")}
    for seed in SEEDS:
        sets[f"random {seed}"] = data.seeded(RANDOM_BARS, seed, yearly_sigma=6.0)
    return sets


def _read(path: Path) -> Columns:
    frame = pd.read_csv(path, index_col=0, parse_dates=True)
    times = frame.index.to_numpy().astype("datetime64[ms]").astype(np.int64)
    prices = {name.lower(): frame[name].to_numpy(np.float64) for name in ("Open", "High", "Low", "Close", "Volume")}
    return {"time": times, **prices}


def _signals(columns: Columns) -> dict[str, Columns]:
    made = {}
    for kind, name, given, stops in (
        ("SMA", "sma_cross", {"fast": 10, "slow": 30}, (np.nan, np.nan)),
        ("RSI", "rsi_bollinger", {}, STOPS),
    ):
        spec = registry.get(name)
        signals = spec.signals(_candles(columns), spec.params(**given))
        made[kind] = {**columns, "entry": signals.entry > 0, "leave": signals.exit, "stops": np.array(stops)}
    return made


def _candles(columns: Columns) -> Candles:
    prices = {name: columns[name] for name in ("open", "high", "low", "close", "volume")}
    interval = int(np.diff(columns["time"]).min())
    return Candles(symbol="CROSS", time_ms=columns["time"], interval_ms=interval, **prices)


def _stored(cases: dict[str, Columns]) -> list[Path]:
    folder = ROOT / ".bench" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"cross{number}.npz" for number in range(len(cases))]
    for path, columns in zip(files, cases.values(), strict=True):
        np.savez(path, allow_pickle=False, **columns)
    return files


if __name__ == "__main__":
    main()
