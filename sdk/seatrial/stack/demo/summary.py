"""The result of the demo, as a JSON file and as a table."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table

from seatrial.terminal import coloured
from seatrial_core import private_files


@dataclass(frozen=True)
class DemoCheck:
    """One check of the demo: name, result and detail."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True)
class DemoSummary:
    """The result of the demo; `ok` when every check passed."""

    ok: bool
    seconds: float
    services: dict[str, str]
    events: int
    trades_engine: int
    trades_backtest: int
    trades_equal: bool
    first_difference: dict[str, Any] | None
    alerts_fired: list[str]
    deliveries: int
    stress_verdict: str | None
    peak_rss_mb: float
    checks: list[DemoCheck] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Store the summary as JSON."""
        private_files.make_folder(file.parent, parents=True)
        private_files.write_text(file, json.dumps(asdict(self), indent=2) + "\n")

    def table(self) -> Table:
        """Return the summary as a table."""
        title = "Seatrial demo: all checks passed" if self.ok else "Seatrial demo: a check FAILED"
        table = Table(title=title, title_style="bold green" if self.ok else "bold red")
        table.add_column("check")
        table.add_column("result")
        table.add_column("")
        for check in self.checks:
            table.add_row(check.name, check.seen, coloured("yes", "green") if check.passed else coloured("NO", "red"))
        table.add_row("time", f"{self.seconds:.1f} s", "")
        table.add_row("peak memory of the stack", f"{self.peak_rss_mb:.0f} MB", "")
        return table
