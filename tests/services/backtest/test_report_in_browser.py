"""The report in a real browser without a network: charts are drawn and nothing complains.

Needs the program `chromium` (Debian package `chromium`, or any Chromium named by SEATRIAL_CHROMIUM).
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.unit.backtest.backtest_bars import random_candles

from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.report.page import render_page
from seatrial_backtesting.run import run
from seatrial_backtesting.strategy_ref import resolve_strategy

CONSOLE = re.compile(r":CONSOLE[:(].*")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --v=0"
)
# No name resolves and what is asked by address goes to a port where nothing listens.
OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:1")
Browser = Callable[[str], tuple[str, list[str]]]


class Drawn(HTMLParser):
    """Counts what a page shows: elements by class, and links that leave it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.classes: dict[str, int] = {}
        self.outside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take one element."""
        attributes = dict(attrs)
        for name in (attributes.get("class") or "").split():
            self.classes[name] = self.classes.get(name, 0) + 1
        for key in ("src", "href"):
            if (attributes.get(key) or "").startswith(("http", "//")):
                self.outside.append(str(attributes[key]))


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Return a function that opens a page and returns what it became and what the console said."""
    program = os.environ.get("SEATRIAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium here: install the package `chromium`, or name one in SEATRIAL_CHROMIUM")

    def open_page(html: str) -> tuple[str, list[str]]:
        target = tmp_path / "page.html"
        target.write_text(html, encoding="utf-8")
        done = subprocess.run(
            [
                program,
                *FLAGS.split(),
                *OFFLINE,
                f"--user-data-dir={tmp_path / 'profile'}",
                "--virtual-time-budget=10000",
                "--window-size=1200,2400",
                "--dump-dom",
                target.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
        return done.stdout, CONSOLE.findall(done.stderr)

    return open_page


def test_the_report_draws_its_charts_offline_and_the_console_stays_silent(browser: Browser) -> None:
    candles = random_candles(2_000, 5, symbol="BTC<b>USDT")
    result = run(candles, resolve_strategy("sma_cross", {"mode": "long_short"}), ExecutionSettings(allow_short=True))

    dom, console = browser(render_page(result, candles))

    drawn = Drawn(dom)
    assert console == []
    assert drawn.classes.get("main-svg", 0) >= 1
    assert drawn.classes.get("js-line", 0) == 6  # equity, drawdown and price, and each in the legend
    assert drawn.classes.get("point", 0) >= 2 * len(result["trades"])  # an entry and an exit each
    assert drawn.outside == []
    assert "BTC&lt;b&gt;USDT" in dom


def test_the_check_would_see_an_error_and_a_blocked_request(browser: Browser) -> None:
    policy = "default-src 'none'; script-src 'unsafe-inline'"
    html = (
        f'<html><head><meta http-equiv="Content-Security-Policy" content="{policy}"></head><body>'
        '<img src="http://127.0.0.1:9/a.png"><script>throw new Error("planted")</script></body></html>'
    )

    dom, console = browser(html)

    assert any("planted" in line for line in console)
    assert any("Content Security Policy" in line for line in console)
    assert Drawn(dom).outside == ["http://127.0.0.1:9/a.png"]
