"""The page on lookahead shows the real output of the command; SEATRIAL_WRITE_DOCS=1 rewrites it."""

import io
import os
import re
from pathlib import Path
from typing import Any

from rich.console import Console
from tests.unit.lookahead.lookahead_bars import hours, proof

from seatrial.cli import lookahead_tables
from seatrial_trading.lookahead import LookaheadVerdict
from seatrial_trading.lookahead.check_session import MIN_BARS
from seatrial_trading.lookahead.findings import EXIT_CODES
from seatrial_trading.lookahead.subject import CheckPlan

PAGE = Path(__file__).parents[3] / "docs" / "lookahead.md"
OUTPUT = re.compile(r"(<!-- example: output -->\n```text\n)(.*?)(```)", re.DOTALL)
CODE = re.compile(r"<!-- example: code -->\n```python\n(.*?)```", re.DOTALL)


def _code(text: str) -> str:
    match = CODE.search(text)
    assert match is not None
    return match.group(1)


def _strategy(code: str) -> Any:  # Any: a function of the page
    names: dict[str, Any] = {"__name__": "my_strategies"}
    exec(compile(code, "my_strategies.py", "exec"), names)
    return names["day_filter"]


def _shown() -> str:
    out = io.StringIO()
    report = proof(_strategy(_code(PAGE.read_text(encoding="utf-8"))), hours())
    lookahead_tables.show(report, Console(file=out, width=110, highlight=False, color_system=None))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def test_the_worked_example_is_what_the_command_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = _shown()
    if os.environ.get("SEATRIAL_WRITE_DOCS"):
        text = OUTPUT.sub(lambda match: match.group(1) + shown + match.group(3), text)
        PAGE.write_text(text, encoding="utf-8")

    match = OUTPUT.search(text)

    assert match is not None
    assert match.group(2) == shown


def test_the_remedy_of_the_worked_example_is_clean() -> None:
    code = _code(PAGE.read_text(encoding="utf-8"))
    ahead = "candles.close[ends][np.searchsorted(day[ends], day)]"
    assert ahead in code

    before = code.replace(ahead, "candles.close[ends][np.maximum(np.searchsorted(day[ends], day) - 1, 0)]")
    before = before.replace("cheap = candles", "cheap = (day > day[0]) & (candles").replace(
        "< day_close", "< day_close)"
    )

    assert proof(_strategy(before), hours()).verdict is LookaheadVerdict.CLEAN


def test_the_page_states_the_actual_exit_codes_and_limits() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for verdict, code in EXIT_CODES.items():
        assert f"| `{verdict.value.upper().replace('_', ' ')}` | {code} |" in text
    assert f"fewer than {MIN_BARS} bars" in text
    assert f"Up to {CheckPlan().exhaustive_below:,} bars every bar is one" in text
