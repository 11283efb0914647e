"""Writes docs/rivals.md: which engine gives which trades on the same signals, and the rule behind each difference."""

from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rivals.md"
Facts = dict[str, Any]  # Any: JSON
TITLES = {"vectorbt": "vectorbt", "backtesting": "backtesting.py", "backtrader": "backtrader"}
RULES = {
    "reserve": "Ours keeps both sides' fees back when it goes all in, so that the exit is paid from what is there; "
    "vectorbt and backtesting.py keep the entry's only, backtrader keeps none (we let it use 99 % of the cash).",
    "share": "backtrader's order is for 99 % of the cash, so that most of its orders are not refused.",
    "sized_at": "backtrader's order has its size when it is placed, at the close that decided; ours at the fill.",
    "whole_units": "backtesting.py trades whole units, and so do our orders to backtrader; ours trades fractions "
    "(`--lot 1` rounds down).",
    "refuse": "backtrader refuses an order that the cash does not cover at the open: a gap up of over 1 % loses it.",
    "stops_from": "With backtesting.py stop and target are prices that are named when the order is placed, so they "
    "are measured from the close that decided; ours from the fill.",
    "stops_live": "Stop and target count from the bar after the entry there; ours on the entry's own bar too.",
    "target_opens_first": "Where a bar opens beyond the target and reaches the stop later, they take the stop; ours "
    "takes the open, which came first.",
    "ending": "What is open in the end: ours is closed at the last close with its fee; vectorbt and backtrader leave "
    "it open and mark it, without a fee; backtesting.py (`finalize_trades`) closes it at the last open.",
}


def write(results: Facts) -> None:
    """Write the page."""
    PAGE.write_text(page(results))


def page(results: Facts) -> str:
    """Return the page's text for the results of a cross-check."""
    versions = ", ".join(f"{TITLES[name]} {text}" for name, text in results["versions"].items())
    rules = "\n".join(f"- `{name}`: {text}" for name, text in RULES.items())
    return f"""# Other engines: the same signals, different trades

Other engines give different results for the same signals on the same bars. This page shows the rule behind each
difference, trade by trade. `make crosscheck` generates it: it installs {versions} in separate
environments under `.bench` (the product never imports them), runs each, and compares.

Method: a plain account of a hundred lines (`benchmarks/rules.py`), which shares no code with the product, has a switch
for each rule on which engines differ. With our rules it must give our trades, with another engine's rules that engine's
trades: bars, prices and quantities of every trade, and the final equity, to 1e-9. A trade that no switch explains is
counted as unexplained.

Cash 1,000,000, fee 0.1 % a side, all in, long only, decided at a close and filled at the next open. SMA: 10 over 30,
closed when it crosses back. RSI: RSI(14) under 30 and the close under the lower Bollinger band (20, 2), stop 2 %,
target 4 %. Ours with `--session auction` (the default is `continuous`): a target that the bar opens beyond is filled at
the open, as in the other engines. GOOG and EURUSD are the bars that backtesting.py ships; the random ones are seeded.

{table(results)}

{verdict(results)}

## The rules

{rules}

## What each rule changes

From our rules to the other engine's, one rule at a time: the number of trades that change at each step.

{steps(results)}
"""


def verdict(results: Facts) -> str:
    """Return a sentence with the number of unexplained trades."""
    cases = results["cases"].values()
    left = sum(case[rival]["unexplained"] for case in cases for rival in TITLES)
    totals = sum(not case[rival]["final_explained"] for case in cases for rival in TITLES)
    ours = sum(not case["rules_give_ours"] for case in cases)
    compared = sum(case[rival]["trades"] for case in cases for rival in TITLES)
    if left == totals == ours == 0:
        return f"All {compared:,} trades of the other engines and every final equity are explained by the rules below."
    return (
        f"Of {compared:,} trades of the other engines, **{left} are not explained** by the rules below; {totals} final "
        f"equities are not; the plain account with our rules misses our trades in {ours} cases."
    )


def table(results: Facts) -> str:
    """Return trades and final equity of every engine, case by case."""
    head = "| bars and signals | ours | " + " | ".join(f"{title}: trades, final" for title in TITLES.values())
    lines = [head + " | not explained |", "|---" * (len(TITLES) + 3) + "|"]
    for name, case in results["cases"].items():
        cells = [f"{case['trades']}, {case['final']:,.4f}"]
        cells += [f"{case[r]['trades']} ({case[r]['same_bars']} on our bars), {case[r]['final']:,.4f}" for r in TITLES]
        left = sum(case[rival]["unexplained"] for rival in TITLES)
        lines.append(f"| {name} | {' | '.join(cells)} | {left} |")
    return "\n".join(lines)


def steps(results: Facts) -> str:
    """Return how many trades each exchanged rule changes, for each rival."""
    parts = []
    for rival, title in TITLES.items():
        names = list(next(iter(results["cases"].values()))[rival]["changed_by"])
        lines = [f"**{title}**", "", f"| bars and signals | {' | '.join(f'`{n}`' for n in names)} |"]
        lines.append("|---" * (len(names) + 1) + "|")
        for name, case in results["cases"].items():
            counts = " | ".join(str(case[rival]["changed_by"][rule]) for rule in names)
            lines.append(f"| {name} | {counts} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
