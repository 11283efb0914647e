"""Writes the conformance table of docs/execution.md by running the conformance cases; a test compares it."""

import math
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.unit.matching.conformance_cases import CASES, Case, fills  # noqa: E402  the path comes first

from seatrial_trading.matching import OrderKind, Simulation  # noqa: E402

PAGE = ROOT / "docs" / "execution.md"
MARKED = re.compile(r"(<!-- conformance -->\n).*?(<!-- end: conformance -->)", re.DOTALL)
HEAD = ("Case", "What", "Orders", "Bars after the signal", "`worst`", "`best`", "`nearest`", "Mirrored short, `worst`")


def number(value: float) -> str:
    """Return a price without trailing zeros."""
    return f"{value:g}"


def orders(case: Case) -> str:
    """Return the orders of a case in a few words."""
    kinds = {OrderKind.LIMIT: f"buy limit {number(case.limit)}", OrderKind.STOP: f"buy stop {number(case.trigger)}"}
    children = (("stop", case.stop), ("target", case.target), ("trail", case.trail))
    entry = [kinds.get(case.kind, "buy")]
    return ", ".join(entry + [f"{name} {number(value)}" for name, value in children if not math.isnan(value)])


def outcome(result: Simulation) -> str:
    """Return entry, exit and exit reason of a run's only trade."""
    (trade,) = result.trades
    ambiguous = ", ambiguous" if trade.ambiguous else ""
    reason = trade.exit_reason.replace("_", " ")
    return f"{number(trade.entry_price)} → **{number(trade.exit_price)}** {reason}{ambiguous}"


def table() -> str:
    """Return the conformance table, each cell from a run."""
    lines = [HEAD, ("---",) * len(HEAD)]
    for case in CASES:
        bars = "; ".join(" ".join(number(price) for price in bar) for bar in case.bars)
        worst, best, nearest = (outcome(fills(case, way)) for way in ("worst", "best", "nearest"))
        others = ("same" if way == worst else way for way in (best, nearest))
        short = outcome(fills(case, is_short=True))
        lines.append((case.id, case.text, orders(case), bars, worst, *others, short))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def filled(text: str) -> str:
    """Return the page with its table regenerated."""
    return MARKED.sub(lambda match: f"{match[1]}{table()}{match[2]}", text)


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
