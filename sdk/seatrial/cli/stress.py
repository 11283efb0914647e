"""`stress run|plans`: load an engine; the exit code is the verdict."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from seatrial.cli.output import JSON_HELP, fail, say, say_error, write_json
from seatrial.terminal import SafeConsole, coloured
from seatrial_core.contracts.stress import CheckState, Latency, StressPlan, StressReport
from seatrial_core.errors import SeatrialError
from seatrial_core.small_files import read_small_text

if TYPE_CHECKING:
    from seatrial_stress.load.tls import TlsOptions

EXIT_TOOL_ERROR = 5


# The base class of all usage errors; the UsageError of typer's bundled click has no public name.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


class StressGroup(TyperGroup):
    """Commands whose usage errors exit with 5, because 2 means CONSISTENCY_VIOLATION."""

    def invoke(self, *arguments: Any) -> Any:  # Any: click's signature
        """Invoke a command."""
        try:
            return super().invoke(*arguments)
        except USAGE_ERROR as error:
            vars(error)["exit_code"] = EXIT_TOOL_ERROR
            raise


app = typer.Typer(no_args_is_help=True, cls=StressGroup)

PLAN_HELP = "high_frequency, memory_under_load, concurrent_trades, api_failure, all, or a JSON file."
TOKEN_VARIABLE = "SEATRIAL_STRESS_TARGET_TOKEN"
TOKEN_HELP = f"Token of a target that is not this stack's engine; also {TOKEN_VARIABLE}."
COLOURS = {CheckState.PASS: "green", CheckState.UNKNOWN: "yellow", CheckState.INCONCLUSIVE: "yellow"}


@app.command()
def run(
    plan: Annotated[str, typer.Option(metavar="NAME|FILE|all", help=PLAN_HELP)] = "high_frequency",
    target: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Address of the engine.", show_default="SEATRIAL_ENGINE_URL, else port 5000 here"
        ),
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of load.", show_default="the plan's own")] = None,
    rate: Annotated[float | None, typer.Option(help="Requests per second.", show_default="the plan's own")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the schedule and the faults.", show_default="the plan's own")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of generator processes.", show_default="the plan's own")
    ] = None,
    token_file: Annotated[Path | None, typer.Option("--token-file", metavar="FILE", help=TOKEN_HELP)] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", metavar="FILE", help="Authority (PEM) of an https:// target's certificate."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Do not verify the certificate of an https:// target.")
    ] = False,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Run one or all plans. Exit code: 0 PASS, 1 FAIL, 2 CONSISTENCY_VIOLATION, 3 INCONCLUSIVE, 4 INVALID, 5 error."""
    _require_generator()
    from seatrial_stress.checks import verdict
    from seatrial_stress.plans import targets

    try:
        from seatrial_core.clients import service_url

        address = targets.require_allowed(target or service_url("engine"), targets.allowed_in_environment())
        changes = {"duration_seconds": duration, "rate_per_second": rate, "seed": seed, "workers": workers}
        plans = _plans(plan, changes)
        token = target_token(address, token_file)
        tls = _tls_options(address, ca_file, insecure=insecure)
        reports = [_run(stress_plan, address, token, tls, quiet=json_out == "-") for stress_plan in plans]
    except (SeatrialError, OSError) as error:
        fail(str(error), EXIT_TOOL_ERROR)
    worst = verdict.worst(report.verdict for report in reports)
    if json_out:
        items = [report.model_dump(mode="json", by_alias=True) for report in reports]
        write_json(json_out, items[0] if len(items) == 1 and plan != "all" else {"verdict": worst, "items": items})
    raise typer.Exit(verdict.EXIT_CODES[worst])


@app.command()
def plans(json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None) -> None:
    """List the built-in plans."""
    _require_generator()
    from seatrial_stress.plans.catalog import PLANS

    if json_out:
        write_json(json_out, {"items": [plan.model_dump(mode="json") for plan in PLANS.values()], "next_cursor": None})
    if json_out != "-":
        table = Table("plan", "requests/s", "seconds", "description")
        for plan in PLANS.values():
            table.add_row(plan.name, f"{plan.rate_per_second:g}", f"{plan.duration_seconds:g}", plan.description)
        SafeConsole().print(table)


def target_token(address: str, file: Path | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the token for a target: of a file or SEATRIAL_STRESS_TARGET_TOKEN; else the stack's, for its own engine.

    Args:
        address: The address of the engine.
        file: A file that contains the token of that engine.
        environment: The variables to read.

    Raises:
        OSError: The file cannot be read.
    """
    from seatrial_core.clients import token_for

    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return environment.get(TOKEN_VARIABLE) or token_for(address, environment)


def _require_generator() -> None:
    try:
        import seatrial_stress.runner  # noqa: F401  checks that it is installed
    except ModuleNotFoundError as error:
        missing = f"`seatrial stress` needs {error.name}, which is not installed: pip install 'seatrial[stress]'"
        fail(missing, EXIT_TOOL_ERROR)


def _plans(named: str, values: dict[str, Any]) -> list[StressPlan]:  # Any: a type per field
    from seatrial_stress.plans import catalog

    if named == "all":
        plans = list(catalog.PLANS.values())
    elif named in catalog.PLANS or not (named.endswith(".json") or Path(named).is_file()):
        plans = [catalog.get(named)]
    else:
        plans = [catalog.read_text(read_small_text(Path(named), catalog.MAX_TEXT_BYTES, "plan"))]
    return [catalog.with_overrides(plan, **values) for plan in plans]


def _tls_options(address: str, ca_file: Path | None, *, insecure: bool) -> "TlsOptions":
    from seatrial_stress.load.tls import TlsOptions

    if insecure and ca_file is not None:
        fail("--insecure and --ca-file exclude each other: give the one or the other", EXIT_TOOL_ERROR)
    options = TlsOptions("" if ca_file is None else str(ca_file.resolve()), is_verified=not insecure)
    try:
        options.context()
    except OSError as error:
        fail(f"--ca-file {ca_file}: {error.strerror or error}; give a PEM file with a certificate", EXIT_TOOL_ERROR)
    if insecure and address.startswith("https://"):
        say_error(f"--insecure: the certificate of {address} is not verified; anybody on the way can read the token")
    return options


def _run(plan: StressPlan, address: str, token: str, tls: "TlsOptions", *, quiet: bool) -> StressReport:
    from seatrial_stress import runner

    if not quiet:
        say(f"{plan.name}: {plan.rate_per_second:g} requests/s for {plan.duration_seconds:g} s to {address}")
    report = asyncio.run(runner.run(plan, address, token, tls=tls))
    if not quiet:
        _show(report)
    return report


def _show(report: StressReport) -> None:
    console = SafeConsole()
    say(str(report))
    checks = Table("check", "state", "detail")
    for check in report.checks:
        colour = COLOURS.get(check.state, "red")
        checks.add_row(f"{check.kind}: {check.name}", coloured(str(check.state), colour), check.said)
    console.print(checks)
    times = Table("seconds", "n", "p50", "p95", "p99", "max")
    for name in ("response", "service", "lag"):
        _add_times(times, name, getattr(report, name))
    console.print(times)


def _add_times(table: Table, name: str, latency: Latency) -> None:
    quantiles = (latency.p50, latency.p95, latency.p99, latency.max)
    table.add_row(name, str(latency.n), *("-" if seconds is None else f"{seconds:.4f}" for seconds in quantiles))
