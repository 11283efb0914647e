"""`stress run|plans`: load an engine and say whether it holds; the exit code is the verdict."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from seatrial.cli.output import JSON_HELP, fail, say, write_json
from seatrial_core.contracts.stress import CheckState, Latency, StressPlan, StressReport
from seatrial_core.errors import SeatrialError

EXIT_TOOL_ERROR = 5


# Every kind of wrong usage; typer brings a click of its own, whose UsageError has no public name.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


class StressGroup(TyperGroup):
    """Commands whose wrong usage ends with 5: 2 says that the books are wrong."""

    def invoke(self, *arguments: Any) -> Any:  # Any: as click has it
        """Invoke a command."""
        try:
            return super().invoke(*arguments)
        except USAGE_ERROR as error:
            vars(error)["exit_code"] = EXIT_TOOL_ERROR
            raise


app = typer.Typer(no_args_is_help=True, cls=StressGroup)

PLAN_HELP = "high_frequency, memory_under_load, concurrent_trades, api_failure, all, or a JSON file."
COLOURS = {CheckState.PASS: "green", CheckState.UNKNOWN: "yellow", CheckState.INCONCLUSIVE: "yellow"}


@app.command()
def run(
    plan: Annotated[str, typer.Option(metavar="NAME|FILE|all", help=PLAN_HELP)] = "high_frequency",
    target: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The engine.", show_default="SEATRIAL_ENGINE_URL, else port 5000 here"),
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of load.", show_default="the plan's own")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests a second.", show_default="the plan's own")] = None,
    seed: Annotated[int | None, typer.Option(help="Of schedule and faults.", show_default="the plan's own")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Generator processes that share the load.", show_default="the plan's own")
    ] = None,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Run one plan or all four. Exit code: 0 PASS, 1 FAIL, 2 books wrong, 3 inconclusive, 4 invalid, 5 tool error."""
    _require_generator()
    from seatrial_stress.checks import verdict
    from seatrial_stress.plans import targets

    try:
        from seatrial_core.clients import service_url

        address = targets.require_allowed(target or service_url("engine"), targets.allowed_in_environment())
        changes = {"duration_seconds": duration, "rate_per_second": rate, "seed": seed, "workers": workers}
        plans = _plans(plan, changes)
        reports = [_run(each, address, quiet=json_out == "-") for each in plans]
    except (SeatrialError, OSError) as error:
        fail(str(error), EXIT_TOOL_ERROR)
    found = verdict.worst(report.verdict for report in reports)
    if json_out:
        items = [report.model_dump(mode="json", by_alias=True) for report in reports]
        write_json(json_out, items[0] if len(items) == 1 and plan != "all" else {"verdict": found, "items": items})
    raise typer.Exit(verdict.EXIT_CODES[found])


@app.command()
def plans(json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None) -> None:
    """List the plans that are known by name."""
    _require_generator()
    from seatrial_stress.plans.catalog import PLANS

    if json_out:
        write_json(json_out, {"items": [each.model_dump(mode="json") for each in PLANS.values()], "next_cursor": None})
    if json_out != "-":
        table = Table("plan", "requests/s", "seconds", "what it does")
        for each in PLANS.values():
            table.add_row(each.name, f"{each.rate_per_second:g}", f"{each.duration_seconds:g}", each.description)
        Console().print(table)


def _require_generator() -> None:
    try:
        import seatrial_stress.runner  # noqa: F401  only to see whether it is there
    except ModuleNotFoundError as error:
        missing = f"`seatrial stress` needs {error.name}, which is not installed: pip install 'seatrial[stress]'"
        fail(missing, EXIT_TOOL_ERROR)


def _plans(named: str, values: dict[str, Any]) -> list[StressPlan]:  # Any: each setting has a type of its own
    from seatrial_stress.plans import catalog

    if named == "all":
        chosen = list(catalog.PLANS.values())
    elif named in catalog.PLANS or not (named.endswith(".json") or Path(named).is_file()):
        chosen = [catalog.get(named)]
    else:
        chosen = [catalog.read_text(Path(named).read_text(encoding="utf-8"))]
    return [catalog.with_overrides(each, **values) for each in chosen]


def _run(plan: StressPlan, address: str, *, quiet: bool) -> StressReport:
    from seatrial_stress import runner

    if not quiet:
        say(f"{plan.name}: {plan.rate_per_second:g} requests/s for {plan.duration_seconds:g} s to {address}")
    from seatrial_core.clients import find_token

    report = asyncio.run(runner.run(plan, address, find_token()))
    if not quiet:
        _show(report)
    return report


def _show(report: StressReport) -> None:
    console = Console()
    say(str(report))
    checks = Table("check", "found", "in words")
    for check in report.checks:
        colour = COLOURS.get(check.state, "red")
        checks.add_row(f"{check.kind}: {check.name}", f"[{colour}]{check.state}[/]", check.said)
    console.print(checks)
    times = Table("seconds", "n", "p50", "p95", "p99", "max")
    for name in ("response", "service", "lag"):
        _add_times(times, name, getattr(report, name))
    console.print(times)


def _add_times(table: Table, name: str, found: Latency) -> None:
    figures = (found.p50, found.p95, found.p99, found.max)
    table.add_row(name, str(found.n), *("never" if each is None else f"{each:.4f}" for each in figures))
