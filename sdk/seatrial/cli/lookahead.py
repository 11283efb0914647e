"""`backtest check-lookahead`: checks that a strategy uses past data only, or shows the bar where it does not."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from seatrial.cli.backtest_options import (
    MAX_ROWS_DEFAULT,
    MAX_ROWS_HELP,
    RULE_SUFFIXES,
    SET_HELP,
    SYMBOL_HELP,
    TIMEZONE_HELP,
    parse_params,
    read_strategy,
    require_backtesting,
)
from seatrial.cli.output import EXIT_USAGE, JSON_HELP, fail, write_json
from seatrial.terminal import SafeConsole
from seatrial_core.errors import SeatrialError, SettingsError, Unavailable, field_error

DATA_HELP = "CSV (plain or .gz) or Parquet: time, open, high, low, close[, volume]."
STRATEGY_HELP = (
    "A registered name, a rule document (.json, .yaml), or your own code as module:function or FILE.py:function: "
    "f(historical_data, symbol), f(candles) -> Signals, or f(candles) -> callback."
)
STRICT_HELP = "Also fail if decisions never converge after the warm-up."
CUTS_HELP = "How many bars to cut after, if the data is long; `all` cuts after every bar."


def check_lookahead(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help=DATA_HELP)],
    strategy: Annotated[str, typer.Option(metavar="NAME|RULES|CODE", help=STRATEGY_HELP)],
    symbol: Annotated[str | None, typer.Option(help=SYMBOL_HELP, show_default="its only one, or the file name")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=SET_HELP)] = None,
    cuts: Annotated[str | None, typer.Option(metavar="NUMBER|all", help=CUTS_HELP)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampled cuts and the changed bars.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help=STRICT_HELP)] = False,
    on_bad_bar: Annotated[str, typer.Option(metavar="reject|drop", help="Reject or drop bad rows.")] = "reject",
    timezone: Annotated[str | None, typer.Option(help=TIMEZONE_HELP, show_default="UTC")] = None,
    max_rows: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help=MAX_ROWS_HELP, show_default=MAX_ROWS_DEFAULT)
    ] = None,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Check that no decision depends on future data. Exit code: 0 clean, 1 leak, 2 usage error, 4 not judged.

    Removes or changes future bars, hides other data that the strategy can reach,
    repeats the run and starts it later. Earlier decisions must stay the same.
    """
    require_backtesting()
    from seatrial.cli import lookahead_tables

    try:
        reading = {"symbol": symbol, "on_bad_bar": on_bad_bar, "timezone": timezone, "max_rows": max_rows}
        report = _report(data, reading, strategy, settings or [], _plan(cuts, seed))
    except (SettingsError, Unavailable):
        raise
    except SeatrialError as error:
        fail(str(error), EXIT_USAGE)
    code = report.exit_code
    if code == 0 and strict and report.warm_up is not None and report.warm_up.drift_bars is None:
        code = 1
    if json_out:
        write_json(json_out, {**report.document(), "exit_code": code})
    if json_out != "-":
        lookahead_tables.show(report)
    raise typer.Exit(code)


def _report(data: Path, reading: dict[str, Any], strategy: str, params: list[str], plan: Any) -> Any:
    # Any: types of packages that may be missing
    from seatrial_backtesting.data.loader import LoadOptions
    from seatrial_backtesting.lookahead.subjects import check

    with _progress() as show_progress:
        return check(_strategy(strategy), data, parse_params(params), plan, LoadOptions(**reading), show_progress)


def _plan(cuts: str | None, seed: int) -> Any:  # Any: CheckPlan, of a package that may be missing
    from seatrial_trading.lookahead import CheckPlan

    if cuts is None:
        return CheckPlan(seed=seed)
    if cuts == "all":
        unlimited = sys.maxsize
        return CheckPlan(seed=seed, cuts=unlimited, costly_rows=unlimited, exhaustive_below=unlimited)
    if not cuts.isdecimal() or int(cuts) < 1:
        raise field_error("cuts", cuts, "a whole number above 0, or all")
    return CheckPlan(seed=seed, cuts=int(cuts), costly_rows=sys.maxsize, exhaustive_below=int(cuts))


def _strategy(text: str) -> object:
    if text.lower().endswith(RULE_SUFFIXES) or ":" not in text:
        return read_strategy(text)
    place, _, name = text.rpartition(":")
    module = _module(place, text)
    function = module
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        raise field_error("strategy", text, f"a function in {place}; it has no callable `{name}`")
    return function


def _module(place: str, text: str) -> Any:  # Any: a module of the user
    allowed = "module:function that can be imported from this folder, or FILE.py:function"
    try:
        if not place.endswith(".py"):
            if str(Path.cwd()) not in sys.path:
                sys.path.insert(0, str(Path.cwd()))
            return importlib.import_module(place)
        path = Path(place).resolve()
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise field_error("strategy", text, allowed)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        sys.path.insert(0, str(path.parent))
        spec.loader.exec_module(module)
        return module
    except (ImportError, OSError, SyntaxError, ValueError) as error:
        raise field_error("strategy", text, f"{allowed} ({type(error).__name__}: {error})") from error


@contextmanager
def _progress() -> Iterator[Any]:  # Any: a function
    console = SafeConsole(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("running", total=None)

        def show_progress(check: str, done: int, total: int) -> None:
            bar.update(task, description=check.replace("_", " "), completed=done, total=total)

        yield show_progress
