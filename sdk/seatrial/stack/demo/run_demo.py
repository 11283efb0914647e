"""Runs the demo: replay, metrics, alerts, backtest, stress, summary."""

import secrets
import time
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from seatrial.stack.demo import bars, comparison, steps
from seatrial.stack.demo.bars import SymbolBars
from seatrial.stack.demo.receiver import NotificationReceiver, ReceivedNotification
from seatrial.stack.demo.summary import DemoCheck, DemoSummary
from seatrial.stack.processes.service_state import ServiceStatus
from seatrial.stack.stack import Stack
from seatrial.terminal import SafeConsole, coloured
from seatrial_core.catalog import GUIDE_METRICS
from seatrial_core.clients import ServiceClient
from seatrial_core.contracts.orders import ReplayState
from seatrial_core.contracts.snapshots import Performance
from seatrial_core.contracts.stress import CheckState, RunState, Verdict
from seatrial_core.json_types import Json

DATABASE = "demo"
EXPECTED_RULES = {"max_drawdown", "win_rate_min"}
CLIENT_ATTEMPTS = 8


@dataclass
class DemoObservations:
    """The results of all steps, collected for the summary."""

    replay: ReplayState | None = None
    engine: dict[str, list[Json]] = field(default_factory=dict)
    backtest: dict[str, list[Json]] = field(default_factory=dict)
    page: dict[str, float] = field(default_factory=dict)
    performance: Performance | None = None
    fired: list[str] = field(default_factory=list)
    delivered: list[ReceivedNotification] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stress: RunState | None = None


def run(stack: Stack, *, once: bool) -> int:
    """Start the stack, trade, measure, alert, backtest, compare; return the exit code.

    Args:
        stack: A stack that has not been started.
        once: Exit after the summary instead of continuing to serve.
    """
    began = time.monotonic()
    console = SafeConsole()
    console.print(
        "Seatrial demo: real daily prices of AAPL, FB, GOOG, IBM and MSFT, 2000 to 2013, true splits applied,"
    )
    console.print("dividends ignored. Five paper accounts of 10,000 trade rsi_bollinger, charged 0.1 % a side.")
    symbols = bars.load()
    secret = secrets.token_hex(16)
    receiver = NotificationReceiver(secret, lambda delivery: _print_delivery(console, delivery))
    receiver.start()
    try:
        stack.use_fresh_database(DATABASE)
        stack.add_environment("alerts", {"ALERT_WEBHOOK_URL": receiver.url, "ALERT_WEBHOOK_SECRET": secret})
        stack.start()
        console.print(f"metrics: {stack.url('metrics')}/metrics   token: {stack.layout.token}")
        findings = _watch(stack, symbols, receiver, console)
        summary = summarise(findings, _services(stack), time.monotonic() - began, stack.peak_memory_mb)
        file = stack.layout.base / "demo" / "summary.json"
        summary.write(file)
        console.print(summary.table())
        console.print(f"written to {file}")
        if not once:
            console.print("Seatrial keeps running; Ctrl-C stops everything.")
            stack.serve()
        return 0 if summary.ok else 1
    finally:
        receiver.stop()


def _watch(
    stack: Stack, symbols: list[SymbolBars], receiver: NotificationReceiver, console: Console
) -> DemoObservations:
    seen = DemoObservations()
    stop_event = stack.stop_event
    with _client(stack, "engine") as engine, _client(stack, "metrics") as metrics:
        with _progress(console) as progress:
            task = progress.add_task("replay", total=1.0, figures="")

            def show(state: ReplayState) -> None:
                done = state.steps_done / max(1, state.steps_total)
                progress.update(task, completed=done, figures=_figures(metrics))

            steps.start_replay(engine, symbols)
            seen.replay = steps.follow_replay(engine, show, stop_event)
        seen.engine = steps.engine_trades(engine)
        seen.page = steps.sample_page(metrics)
        seen.performance = steps.performance(metrics)
    with _client(stack, "alerts") as alerts:
        seen.fired = steps.firing_rules(alerts, EXPECTED_RULES, stop_event)
    steps.wait_until_delivered(
        lambda: {delivery.rule for delivery in receiver.deliveries} >= set(seen.fired), stop_event
    )
    seen.delivered, seen.refused = receiver.deliveries, receiver.refused
    with _client(stack, "backtest") as service, _progress(console) as progress:
        for symbol in symbols:
            task = progress.add_task(f"backtest {symbol.symbol}", total=1.0, figures="")
            show_backtest = partial(_show_progress, progress, task)
            trades = steps.backtest(service, symbol, show_backtest, stop_event)
            seen.backtest[symbol.symbol] = trades
            progress.update(task, completed=1.0, figures=f"{len(trades)} trades")
    with _client(stack, "stress") as service, _progress(console) as progress:
        task = progress.add_task("stress", total=1.0, figures="")
        seen.stress = steps.stress(service, partial(_show_progress, progress, task), stop_event)
        progress.update(task, completed=1.0, figures=str(seen.stress.verdict))
    return seen


def summarise(seen: DemoObservations, services: dict[str, str], seconds: float, peak_rss_mb: float) -> DemoSummary:
    """Check the observations; `ok` requires that every check passed."""
    differences = [
        difference
        for symbol in bars.SYMBOLS
        if (difference := comparison.first_difference(seen.engine.get(symbol, []), seen.backtest.get(symbol, [])))
    ]
    count_engine = sum(map(len, seen.engine.values()))
    count_backtest = sum(map(len, seen.backtest.values()))
    missing = [metric.name for metric in GUIDE_METRICS if metric.name not in seen.page]
    delivered = {delivery.rule for delivery in seen.delivered}
    equal = not differences and count_engine > 0
    checks = [
        DemoCheck("services ready", set(services.values()) == {"ready"}, ", ".join(sorted(services))),
        _check_replay(seen.replay),
        DemoCheck(
            "twelve metrics on the page", not missing, f"missing: {', '.join(missing)}" if missing else "all twelve"
        ),
        DemoCheck("trades_total counts every fill", seen.page.get("trades_total") == 2 * count_engine, _count(seen)),
        DemoCheck("drawdown and win rate fired", set(seen.fired) >= EXPECTED_RULES, ", ".join(seen.fired) or "none"),
        DemoCheck(
            "alerts delivered, signatures good",
            not seen.refused and delivered >= set(seen.fired) and bool(delivered),
            f"{len(seen.delivered)} notifications",
        ),
        DemoCheck("engine and backtest trade the same", equal, _agreement(count_engine, count_backtest, differences)),
        _check_stress(seen.stress),
    ]
    return DemoSummary(
        ok=all(check.passed for check in checks),
        seconds=round(seconds, 1),
        services=services,
        events=seen.performance.sequence if seen.performance else 0,
        trades_engine=count_engine,
        trades_backtest=count_backtest,
        trades_equal=equal,
        first_difference=differences[0] if differences else None,
        alerts_fired=seen.fired,
        deliveries=len(seen.delivered),
        stress_verdict=seen.stress.verdict if seen.stress else None,
        peak_rss_mb=round(peak_rss_mb, 1),
        checks=checks,
    )


def _count(seen: DemoObservations) -> str:
    return f"{seen.page.get('trades_total', 0):.0f} executions"


def _agreement(engine: int, backtest: int, differences: list[Json]) -> str:
    if not differences:
        return f"{engine} trades, equal one by one"
    first = differences[0]
    return (
        f"engine {engine}, backtest {backtest}; {first['symbol']} trade {first['trade']} differs in {first['field']}: "
        f"{first['engine']} and {first['backtest']}"
    )


def _check_replay(replay: ReplayState | None) -> DemoCheck:
    is_finished = replay is not None and replay.status == "finished"
    return DemoCheck("replay finished", is_finished, f"{replay.steps_done if replay else None} days")


def _check_stress(run: RunState | None) -> DemoCheck:
    has_passed = run is not None and run.verdict is Verdict.PASS
    return DemoCheck("stress run passed", has_passed, _describe_run(run) if run else "not run")


def _describe_run(run: RunState) -> str:
    report = run.report
    if report is None:
        return f"{run.status}: {run.error}"
    bad = [f"{check.name}: {check.said}" for check in report.checks if check.state is not CheckState.PASS]
    p99 = report.response.p99
    latency = f"p99 {p99 * 1e3:.0f} ms" if p99 is not None else "no latency"
    return f"{run.verdict}, {report.counts['scheduled']} orders, {latency}" + (f"; {bad[0]}" if bad else "")


def _services(stack: Stack) -> dict[str, str]:
    return {
        state.service: "ready" if state.status is ServiceStatus.READY else state.status.value for state in stack.states
    }


def _client(stack: Stack, service: str) -> ServiceClient:
    return ServiceClient(
        service, url=stack.url(service), token=stack.token, attempts=CLIENT_ATTEMPTS, timeout_seconds=30.0
    )


def _show_progress(progress: Progress, task: TaskID, done: float) -> None:
    progress.update(task, completed=done)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>14}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
    )


def _figures(metrics: ServiceClient) -> str:
    page = steps.sample_page(metrics)
    return (
        f"trades {page.get('trades_total', 0):.0f}  pnl {page.get('current_pnl', 0):,.0f}  "
        f"drawdown {page.get('max_drawdown_percent', 0):.1f} %"
    )


def _print_delivery(console: Console, delivery: ReceivedNotification) -> None:
    words = f" {delivery.rule} {delivery.state}: {delivery.body.get('summary', '')}"
    console.print(coloured("webhook received", "bold").append(words, style="none"), soft_wrap=True)
