"""Prints a look-ahead report: the verdict, the coverage, and the first bar of each finding."""

from rich.console import Console
from rich.table import Table

from seatrial.terminal import SafeConsole, coloured
from seatrial_core.timestamps import from_epoch_ms
from seatrial_trading.lookahead import Coverage, LookaheadFinding, LookaheadReport, LookaheadVerdict

COLOURS = {LookaheadVerdict.CLEAN: "green", LookaheadVerdict.LEAK: "red", LookaheadVerdict.NOT_JUDGED: "yellow"}
WORDS = {LookaheadVerdict.CLEAN: "CLEAN", LookaheadVerdict.LEAK: "LEAK", LookaheadVerdict.NOT_JUDGED: "NOT JUDGED"}


def show(report: LookaheadReport, console: Console | None = None) -> None:
    """Print a report."""
    out = console or SafeConsole()
    verdict = coloured(WORDS[report.verdict], COLOURS[report.verdict])
    out.print(verdict.append(f"  {report.strategy} on {report.symbol}: {report.reason}", style="none"))
    out.print(_coverage(report.coverage))
    for finding in report.findings:
        out.print(_finding(finding))
        out.print(finding.advice, markup=False)
    for note in report.notes:
        out.print(f"Note: {note}.", markup=False)


def _coverage(coverage: Coverage) -> str:
    which = "after every bar" if coverage.exhaustive else f"after {coverage.cuts:,} bars (seed {coverage.seed})"
    raised = f" {coverage.runs_raised:,} runs raised an exception and prove nothing." if coverage.runs_raised else ""
    return (
        f"Checked: {coverage.bars:,} bars with {coverage.decisions:,} decisions, cut {which}, "
        f"{coverage.decisions_cut:,} decisions with a cut at their own bar; {coverage.runs:,} runs, "
        f"{coverage.rows_compared:,} rows compared.{raised}"
    )


def _finding(finding: LookaheadFinding) -> Table:
    table = Table("check", "first bar", "with all data", "with past data only", "change")
    opened = from_epoch_ms(finding.time_ms).strftime("%Y-%m-%d %H:%M")
    table.add_row(
        finding.check.replace("_", " "),
        f"{finding.bar} ({opened})",
        finding.whole,
        finding.changed,
        finding.how if finding.cut is None else f"{finding.how}; cut after bar {finding.cut}",
    )
    return table
