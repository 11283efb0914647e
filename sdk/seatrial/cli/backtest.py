"""`backtest run|strategies`: backtests a strategy on a file of bars in this process, without a service."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from seatrial.cli.backtest_options import (
    MAX_ROWS_DEFAULT,
    MAX_ROWS_HELP,
    SET_HELP,
    SYMBOL_HELP,
    TIMEZONE_HELP,
    parse_params,
    read_strategy,
    require_backtesting,
)
from seatrial.cli.lookahead import check_lookahead
from seatrial.cli.output import EXIT_USAGE, JSON_HELP, fail, say, write_json
from seatrial_core import private_files
from seatrial_core.errors import SeatrialError, SettingsError, Unavailable
from seatrial_core.json_types import Json

app = typer.Typer(no_args_is_help=True)

DATA_HELP = "CSV (comma, semicolon or tab; plain or .gz) or Parquet: time, open, high, low, close[, volume]."
STRATEGY_HELP = "A registered name (see `seatrial backtest strategies`), or a rule document (.json, .yaml)."
SIZE_HELP = "fixed:10, notional:1000, equity:1.0, risk:0.01, kelly:0.5 or vol:0.1."
SIZE_DEFAULT = "the rules' own, else equity:1.0"
INTRABAR_HELP = "Where the order of high and low decides: worst, best, nearest, or magnify (uses --finer)."
SPLIT_HELP = "A stock split, such as 2005-02-28=2; repeatable."
REPORT_HELP = "Write an HTML report that opens offline."
SESSION_HELP = "auction: a target beyond which a bar opens is filled at the open."
FINER_HELP = "Bars of a shorter interval of the same symbol, for --intrabar magnify."


@app.command()
def run(
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help=DATA_HELP)],
    strategy: Annotated[str, typer.Option(metavar="NAME|RULES", help=STRATEGY_HELP)],
    symbol: Annotated[str | None, typer.Option(help=SYMBOL_HELP, show_default="its only one, or the file name")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=SET_HELP)] = None,
    cash: Annotated[float, typer.Option(help="Initial balance.")] = 10_000.0,
    size: Annotated[str | None, typer.Option(metavar="KIND:NUMBER", help=SIZE_HELP, show_default=SIZE_DEFAULT)] = None,
    lot: Annotated[float, typer.Option(help="Quantity step; 0 allows fractions.")] = 0.0,
    tick: Annotated[float, typer.Option(help="Price step; 0 for none.")] = 0.0,
    min_notional: Annotated[float, typer.Option(help="Smallest notional of an entry.")] = 0.0,
    fee: Annotated[float, typer.Option(help="Fee per side as a ratio: 0.001 is 0.1 %.")] = 0.001,
    maker_fee: Annotated[float | None, typer.Option(help="Fee of limit orders.", show_default="as --fee")] = None,
    slippage_bps: Annotated[float, typer.Option(help="Slippage of market and stop fills in basis points.")] = 0.0,
    allow_short: Annotated[bool, typer.Option("--allow-short", help="Allow short positions.")] = False,
    session: Annotated[str, typer.Option(metavar="continuous|auction", help=SESSION_HELP)] = "continuous",
    intrabar: Annotated[str, typer.Option(metavar="RULE", help=INTRABAR_HELP)] = "worst",
    finer: Annotated[Path | None, typer.Option(metavar="FILE", help=FINER_HELP)] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random intrabar scenarios.")] = 0,
    on_bad_bar: Annotated[str, typer.Option(metavar="reject|drop", help="Reject or drop bad rows.")] = "reject",
    timezone: Annotated[str | None, typer.Option(help=TIMEZONE_HELP, show_default="UTC")] = None,
    max_rows: Annotated[
        int | None, typer.Option(min=1, metavar="NUMBER", help=MAX_ROWS_HELP, show_default=MAX_ROWS_DEFAULT)
    ] = None,
    split: Annotated[list[str] | None, typer.Option(metavar="DATE=RATIO", help=SPLIT_HELP)] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help=REPORT_HELP)] = None,
    json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None,
) -> None:
    """Run a strategy on a file of bars and print the result, assumptions first."""
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
    require_backtesting()
    try:
        reading = {"symbol": symbol, "on_bad_bar": on_bad_bar, "timezone": timezone, "max_rows": max_rows}
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
    require_backtesting()
    from seatrial.cli import backtest_tables
    from seatrial_trading.strategy import registry

    items = [
        {
            "name": spec.name,
            "version": spec.version,
            "summary": str(getattr(spec, "summary", "")),
            "params": spec.params.model_json_schema(),
        }
        for _, spec in sorted(registry.strategies().items())
    ]
    if json_out:
        write_json(json_out, {"items": items, "next_cursor": None})
    if json_out != "-":
        backtest_tables.show_strategies(items)


def _run(
    files: tuple[Path, Path | None],
    reading: Json,
    splits: list[str],
    strategy: str,
    params: list[str],
    execution: Json,
) -> tuple[Any, Json]:  # Any: Candles, of a package that may be missing
    from seatrial_backtesting.data.loader import LoadOptions, load
    from seatrial_backtesting.data.splits import parse
    from seatrial_backtesting.execution_settings import ExecutionSettings, check_sub_bars
    from seatrial_backtesting.run import run as run_backtest
    from seatrial_backtesting.strategy_ref import resolve_strategy

    resolved = resolve_strategy(read_strategy(strategy), parse_params(params))
    settings = ExecutionSettings(**execution)
    data_file, finer_file = files
    check_sub_bars(settings.intrabar, finer_file)
    options = LoadOptions(**reading, splits_of_all=parse(splits))
    loaded = load(data_file, options)
    sub_bars = None if finer_file is None else load(finer_file, replace(options, symbol=loaded.candles.symbol))
    result = run_backtest(
        loaded.candles,
        resolved,
        settings,
        data_quality=loaded.data_quality,
        sub_bars=sub_bars.candles if sub_bars else None,
        sub_bars_quality=sub_bars.data_quality if sub_bars else None,
    )
    return loaded.candles, result


def _write_report(target: Path, candles: Any, result: Json) -> None:  # Any: Candles
    from seatrial_backtesting.report.page import render_page

    try:
        private_files.write_output(target, render_page(result, candles))
    except OSError as error:
        fail(f"Cannot write {target}: {error.strerror}. Name a file in a folder that exists and is yours.", EXIT_USAGE)


def _show(result: Json, report: Path | None) -> None:
    from seatrial.cli import backtest_tables

    backtest_tables.show_result(result)
    if report is not None:
        say(f"The report is in {report}.")


app.command("check-lookahead")(check_lookahead)
