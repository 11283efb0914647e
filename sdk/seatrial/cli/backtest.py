"""`backtest run|strategies`: test a strategy on a file of bars, right here, without a service."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from seatrial.cli.lookahead import check_lookahead
from seatrial.cli.output import EXIT_USAGE, JSON_HELP, fail, say, write_json
from seatrial_core.errors import SeatrialError, SettingsError, Unavailable, field_error

app = typer.Typer(no_args_is_help=True)

Json = dict[str, Any]  # Any: JSON
DATA_HELP = "CSV (comma, semicolon or tab; plain or .gz) or Parquet: time, open, high, low, close[, volume]."
STRATEGY_HELP = "A registered name (see `seatrial backtest strategies`), or a rule document (.json, .yaml)."
SIZE_HELP = "fixed:10|notional:1000|equity:1.0|risk:0.01|kelly:0.5|vol:0.1"
SIZE_DEFAULT = "the rules' own, else equity:1.0"
INTRABAR_HELP = "How bars end whose order of high and low decides; magnify looks into --finer."
FINER_HELP = "Bars of a shorter interval of the same symbol, for --intrabar magnify."
RULE_SUFFIXES = (".json", ".yaml", ".yml")


@app.command()
def run(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help=DATA_HELP)],
    strategy: Annotated[str, typer.Option(metavar="NAME|RULES", help=STRATEGY_HELP)],
    symbol: Annotated[
        str | None, typer.Option(help="Which symbol of the file.", show_default="its own, or the stem")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter.")] = None,
    cash: Annotated[float, typer.Option(help="Money at the start.")] = 10_000.0,
    size: Annotated[
        str | None, typer.Option(metavar="KIND:NUMBER", help=SIZE_HELP, show_default="the rules' own, else equity:1.0")
    ] = None,
    lot: Annotated[float, typer.Option(help="Quantity step, 0 for fractions.")] = 0.0,
    tick: Annotated[float, typer.Option(help="Price step, 0 for none.")] = 0.0,
    min_notional: Annotated[float, typer.Option(help="Smallest entry in money.")] = 0.0,
    fee: Annotated[float, typer.Option(help="Ratio charged on each side: 0.001 is 0.1 %.")] = 0.001,
    maker_fee: Annotated[float | None, typer.Option(help="Ratio for resting limits.", show_default="as --fee")] = None,
    slippage_bps: Annotated[float, typer.Option(help="Basis points against you on market and stop fills.")] = 0.0,
    allow_short: Annotated[bool, typer.Option("--allow-short", help="Let the strategy sell short.")] = False,
    session: Annotated[str, typer.Option(metavar="continuous|auction", help="Who has a gap.")] = "continuous",
    intrabar: Annotated[str, typer.Option(metavar="worst|best|nearest|magnify", help=INTRABAR_HELP)] = "worst",
    finer: Annotated[Path | None, typer.Option(metavar="FILE", help=FINER_HELP)] = None,
    seed: Annotated[int, typer.Option(help="Of the random settlements behind the bounds.")] = 0,
    on_bad_bar: Annotated[str, typer.Option(metavar="reject|drop", help="What happens to bad rows.")] = "reject",
    timezone: Annotated[str | None, typer.Option(help="Zone of times that name none.", show_default="UTC")] = None,
    split: Annotated[list[str] | None, typer.Option(metavar="DATE=RATIO", help="As 2005-02-28=2.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that opens offline.")] = None,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Run a strategy on a file of bars and print what it made, assumptions first."""
    execution = {
        "cash": cash,
        "size": size,
        "lot": lot,
        "tick": tick,
        "min_notional": min_notional,
        "fee": fee,
        "maker_fee": maker_fee,
        "slippage_bps": slippage_bps,
        "allow_short": allow_short,
        "session": session,
        "intrabar": intrabar,
        "seed": seed,
    }
    _require_engine()
    try:
        reading = {"symbol": symbol, "on_bad_bar": on_bad_bar, "timezone": timezone}
        candles, result = _run((data, finer), reading, split or [], strategy, settings or [], execution)
    except (SettingsError, Unavailable):
        raise
    except SeatrialError as error:
        fail(str(error), EXIT_USAGE)
    if report is not None:
        _write_report(report, candles, result)
    if json_out:
        write_json(json_out, result)
    if json_out != "-":
        _show(result, report)


@app.command()
def strategies(
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """List the registered strategies with their parameters."""
    _require_engine()
    from seatrial.cli import backtest_tables
    from seatrial_trading.strategy import registry

    found = [
        {
            "name": spec.name,
            "version": spec.version,
            "summary": str(getattr(spec, "summary", "")),
            "params": spec.params.model_json_schema(),
        }
        for _, spec in sorted(registry.strategies().items())
    ]
    if json_out:
        write_json(json_out, {"items": found, "next_cursor": None})
    if json_out != "-":
        backtest_tables.show_strategies(found)


def _require_engine() -> None:
    try:
        import seatrial_backtesting.run  # noqa: F401  only to see whether it is there
    except ModuleNotFoundError as error:
        fail(f"`seatrial backtest` needs {error.name}, which is not installed: pip install 'seatrial[backtest]'")


def _run(
    data: tuple[Path, Path | None], reading: Json, split: list[str], strategy: str, settings: list[str], execution: Json
) -> tuple[Any, Json]:  # Any: Candles, of a package that may be missing
    from seatrial_backtesting.data.loader import LoadOptions, load
    from seatrial_backtesting.data.splits import parse
    from seatrial_backtesting.execution_settings import ExecutionSettings, require_finer
    from seatrial_backtesting.run import run as run_backtest
    from seatrial_backtesting.strategy_ref import choose

    choice = choose(_strategy(strategy), dict(_setting(text) for text in settings))
    settling = ExecutionSettings(**execution)
    coarse, fine = data
    require_finer(settling.intrabar, fine)
    options = LoadOptions(**reading, splits_of_all=parse(split))
    loaded = load(coarse, options)
    inside = None if fine is None else load(fine, replace(options, symbol=loaded.candles.symbol))
    result = run_backtest(
        loaded.candles,
        choice,
        settling,
        data_quality=loaded.data_quality,
        finer=inside.candles if inside else None,
        finer_quality=inside.data_quality if inside else None,
    )
    return loaded.candles, result


def _strategy(text: str) -> object:
    if not text.lower().endswith(RULE_SUFFIXES):
        return text
    from seatrial_trading.strategy.rules import read_text

    try:
        return read_text(Path(text).read_text(encoding="utf-8"), text)
    except OSError as error:
        raise field_error(
            "strategy", text, f"a registered name or a file that can be read ({error.strerror})"
        ) from error
    except UnicodeDecodeError as error:
        raise field_error("strategy", text, "a rule document in UTF-8") from error


def _setting(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise field_error("set", text, "KEY=VALUE, such as rsi_period=10")
    return name.strip(), _value(value.strip())


def _value(text: str) -> object:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _write_report(target: Path, candles: Any, result: Json) -> None:  # Any: Candles
    from seatrial_backtesting.report.page import page

    try:
        target.write_text(page(result, candles), encoding="utf-8")
    except OSError as error:
        fail(f"Cannot write {target}: {error.strerror}. Name a file in a folder that exists and is yours.", EXIT_USAGE)


def _show(result: Json, report: Path | None) -> None:
    from seatrial.cli import backtest_tables

    backtest_tables.show_result(result)
    if report is not None:
        say(f"The report is in {report}.")


app.command("check-lookahead")(check_lookahead)
