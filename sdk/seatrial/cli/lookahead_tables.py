"""Prints a lookahead proof for people: the verdict, what each check did, and the first bar of each finding."""

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from seatrial_trading.lookahead import Coverage, LookaheadFinding, LookaheadReport, LookaheadVerdict

COLOURS = {LookaheadVerdict.CLEAN: "green", LookaheadVerdict.LEAK: "red", LookaheadVerdict.NOT_JUDGED: "yellow"}
WORDS = {LookaheadVerdict.CLEAN: "CLEAN", LookaheadVerdict.LEAK: "LEAK", LookaheadVerdict.NOT_JUDGED: "NOT JUDGED"}


def show(report: LookaheadReport, console: Console | None = None) -> None:
    """Print a report."""
    out = console or Console(highlight=False)
    verdict = f"[{COLOURS[report.verdict]}]{WORDS[report.verdict]}[/]"
    out.print(f"{verdict}  {report.strategy} on {report.symbol}: {report.reason}")
    out.print(_probed(report.coverage))
    for finding in report.findings:
        out.print(_finding(finding))
        out.print(finding.advice, markup=False)
    for note in report.notes:
        out.print(f"Note: {note}.", markup=False)


def _probed(found: Coverage) -> str:
    which = "after every bar" if found.exhaustive else f"after {found.cuts:,} bars (seed {found.seed})"
    raised = f" {found.runs_raised:,} runs raised and prove nothing." if found.runs_raised else ""
    return (
        f"Probed: {found.bars:,} bars with {found.decisions:,} decisions, cut {which}, "
        f"{found.decisions_cut:,} decisions cut at themselves; {found.runs:,} runs, "
        f"{found.rows_compared:,} rows compared.{raised}"
    )


def _finding(finding: LookaheadFinding) -> Table:
    table = Table("check", "first bar", "with everything known", "with the same past only", "what was done")
    opened = datetime.fromtimestamp(finding.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    table.add_row(
        finding.check.replace("_", " "),
        f"{finding.bar} ({opened})",
        finding.whole,
        finding.changed,
        finding.how if finding.cut is None else f"{finding.how}; cut after bar {finding.cut}",
    )
    return table
