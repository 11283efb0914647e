"""`backtest check-lookahead`: prove that a strategy decides from the past alone, or show the bar where it does not."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from seatrial.cli.output import EXIT_USAGE, JSON_HELP, fail, write_json
from seatrial_core.errors import SeatrialError, SettingsError, Unavailable, field_error

DATA_HELP = "CSV (plain or .gz) or Parquet: time, open, high, low, close[, volume]."
STRATEGY_HELP = (
    "A registered name, a rule document (.json, .yaml), or your own code as module:function or FILE.py:function: "
    "f(historical_data, symbol), f(candles) -> Signals, or f(candles) -> such a callback."
)
CUTS_HELP = "Bars to cut after, where there are too many to cut after each; `all` cuts after each."
RULE_SUFFIXES = (".json", ".yaml", ".yml")


def check_lookahead(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help=DATA_HELP)],
    strategy: Annotated[str, typer.Option(metavar="NAME|RULES|MODULE:FUNCTION", help=STRATEGY_HELP)],
    symbol: Annotated[str | None, typer.Option(help="Which symbol of the file; else its own, or the stem.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter.")] = None,
    cuts: Annotated[str | None, typer.Option(metavar="NUMBER|all", help=CUTS_HELP)] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampled cuts and the changed bars.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Fail too if decisions never settle after warm-up.")] = False,
    timezone: Annotated[str | None, typer.Option(help="Zone of times that name none; else UTC.")] = None,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Prove that no decision depends on the future. Exit code: 0 clean, 1 leak, 2 usage, 4 nothing could be judged.

    Cuts the bars short, changes those to come, hides data that the strategy reaches elsewhere, repeats the run and
    starts it later; what was decided before must be decided again.
    """
    _require_engine()
    from seatrial.cli import lookahead_tables

    try:
        reading = {"symbol": symbol, "timezone": timezone}
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


def _require_engine() -> None:
    try:
        import seatrial_backtesting.lookahead.subjects  # noqa: F401  only to see whether it is there
    except ModuleNotFoundError as error:
        fail(f"`seatrial backtest` needs {error.name}, which is not installed: pip install 'seatrial[backtest]'")


def _report(data: Path, reading: dict[str, Any], strategy: str, settings: list[str], plan: Any) -> Any:
    # Any: of packages that may be missing
    from seatrial_backtesting.data.loader import LoadOptions
    from seatrial_backtesting.lookahead.subjects import check

    with _progress() as told:
        return check(_strategy(strategy), data, _settings(settings), plan, LoadOptions(**reading), told)


def _plan(cuts: str | None, seed: int) -> Any:  # Any: Plan, of a package that may be missing
    from seatrial_trading.lookahead import CheckPlan

    if cuts is None:
        return CheckPlan(seed=seed)
    if cuts == "all":
        whole = sys.maxsize
        return CheckPlan(seed=seed, cuts=whole, costly_rows=whole, exhaustive_below=whole)
    if not cuts.isdecimal() or int(cuts) < 1:
        raise field_error("cuts", cuts, "a whole number above 0, or all")
    return CheckPlan(seed=seed, cuts=int(cuts), costly_rows=sys.maxsize, exhaustive_below=int(cuts))


def _settings(texts: list[str]) -> dict[str, object]:
    from seatrial.cli.backtest import _setting as setting

    return dict(setting(text) for text in texts)


def _strategy(text: str) -> object:
    from seatrial.cli.backtest import _strategy as strategy

    if text.lower().endswith(RULE_SUFFIXES) or ":" not in text:
        return strategy(text)
    place, _, name = text.rpartition(":")
    module = _module(place, text)
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise field_error("strategy", text, f"a function in {place}; it has no callable `{name}`")
    return found


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
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("running", total=None)

        def told(check: str, done: int, total: int) -> None:
            bar.update(task, description=check.replace("_", " "), completed=done, total=total)

        yield told
