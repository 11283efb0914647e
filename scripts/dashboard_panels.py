"""The panels of the Grafana dashboard: names come from the catalogue, limits from the default rules."""

from dataclasses import dataclass

from seatrial_core import catalog
from seatrial_core.alerting.defaults import THRESHOLDS
from seatrial_core.catalog import Metric

ENVIRONMENTS = 'environment=~"$environment"'
STRATEGIES = f'{ENVIRONMENTS},strategy=~"$strategy"'
RATE = "[$__rate_interval]"


@dataclass(frozen=True)
class Query:
    """One line of a panel: its expression and its legend."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One panel.

    Args:
        title: Its heading.
        description: What it shows, and what a bad value means.
        unit: Grafana's name of the unit.
        queries: One per line of the panel.
        limit: The threshold of its alert, drawn in red.
        is_single: Whether it shows one number instead of lines.
        below_is_bad: Whether the limit is a minimum.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    limit: float | None = None
    is_single: bool = False
    below_is_bad: bool = False


@dataclass(frozen=True)
class Row:
    """A heading and its panels."""

    title: str
    panels: tuple[Panel, ...]


def single(title: str, description: str, unit: str, expr: str, limit: float | None = None) -> Panel:
    """Return a panel with one number."""
    return Panel(title, description, unit, (Query(expr, title),), limit, is_single=True)


def quantile(ratio: float, metric: Metric, by: str = "") -> str:
    """Return the expression of a histogram's quantile."""
    labels = f"le, {by}" if by else "le"
    matcher = ENVIRONMENTS if metric.scope else ""
    return f"histogram_quantile({ratio}, sum by ({labels}) (rate({metric.name}_bucket{{{matcher}}}{RATE})))".replace(
        "{}", ""
    )


def rate(metric: Metric, by: str, matcher: str = "", suffix: str = "") -> str:
    """Return the expression of a counter's rate per second."""
    matcher = matcher or (ENVIRONMENTS if metric.scope else "")
    return f"sum by ({by}) (rate({metric.name}{suffix}{{{matcher}}}{RATE}))".replace("{}", "")


def on_call() -> Row:
    """Return the row for the person on call."""
    age = f'time() - min({catalog.HEARTBEAT.name}{{{ENVIRONMENTS},environment!="replay"}})'
    firing = 'sum(ALERTS{alertstate="firing"}) or vector(0)'
    return Row(
        "On call",
        (
            single("Firing alerts", "Rules of Prometheus that fire now. Open Alerts for which.", "short", firing, 1),
            single("Engine heartbeat age", "The oldest of all engines; above 2 minutes one is silent.", "s", age, 120),
            single("Age of the figures", "Grows while Postgres is away.", "s", catalog.FIGURES_AGE.name, 120),
            single(
                "Drawdown now",
                "Largest fall of equity from its peak; red is the max_drawdown rule.",
                "percentunit",
                f"max(seatrial:drawdown_ratio{{{ENVIRONMENTS}}})",
                THRESHOLDS["max_drawdown"],
            ),
            single(
                "Session loss",
                "Largest loss of this session over the equity it began with; red is the daily_loss_limit rule.",
                "percentunit",
                f"max(seatrial:session_loss_ratio{{{ENVIRONMENTS}}})",
                THRESHOLDS["daily_loss_limit"],
            ),
            single(
                "Errors",
                "Errors and failed calls over trades, calls and errors of 5 minutes; red is the error_rate_max rule.",
                "percentunit",
                f"max(seatrial:error_ratio{{{ENVIRONMENTS}}})",
                THRESHOLDS["error_rate_max"],
            ),
        ),
    )


def _money(metric: Metric, what: str) -> Query:
    return Query(f"{metric.name}{{{ENVIRONMENTS}}}", f"{{{{environment}}}} {{{{currency}}}} {what}")


def money() -> Row:
    """Return the row about equity, profit and drawdown."""
    equity = (
        _money(catalog.MONEY_EQUITY.portfolio, "equity"),
        _money(catalog.MONEY_PEAK.portfolio, "high-water mark"),
        Query(f"{catalog.UNCONVERTED_EQUITY.name}{{{ENVIRONMENTS}}} or vector(0)", "not converted {{currency}}"),
    )
    accounts = (_money(catalog.MONEY_EQUITY.account, "{{account}}"),)
    profit = (
        _money(catalog.MONEY_PNL.portfolio, "since the beginning"),
        _money(catalog.MONEY_SESSION_PNL.portfolio, "this session"),
    )
    fall = (
        _money(catalog.MONEY_DRAWDOWN.portfolio, "now"),
        _money(catalog.MONEY_MAX_DRAWDOWN.portfolio, "deepest"),
    )
    risk = (
        _money(catalog.MONEY_RISK.portfolio, "risk, ratio"),
        _money(catalog.MONEY_POSITIONS.portfolio, "open positions"),
    )
    return Row(
        "Money",
        (
            Panel("Equity", "Equity of all accounts and the highest it has been.", "short", equity),
            Panel("Equity by account", "In the currency of the account.", "short", accounts),
            Panel("Profit and loss", "Realised and unrealised, after fees.", "short", profit),
            Panel("Drawdown", "Current and deepest fall.", "percentunit", fall, THRESHOLDS["max_drawdown"]),
            Panel("Risk and positions", "Loss if every stop were hit, over equity, and open positions.", "short", risk),
        ),
    )


def trades() -> Row:
    """Return how trading goes."""
    closed = f"sum by (outcome) ({catalog.CLOSED_TRADES.name}{{{STRATEGIES}}})"
    holding = f"{catalog.POSITION_HOLDING.name}_bucket{{{ENVIRONMENTS}}}"
    took = tuple(Query(quantile(q, catalog.TRADING_TRADE_DURATION), f"p{q * 100:.0f}") for q in (0.5, 0.99))
    return Row(
        "Trades",
        (
            Panel(
                "Trades per second",
                "Executions by strategy and status; rejected and failed ones should stay near zero.",
                "ops",
                (
                    Query(
                        rate(catalog.TRADING_TRADES, "environment, strategy, status", STRATEGIES),
                        "{{environment}} {{strategy}} {{status}}",
                    ),
                ),
            ),
            Panel(
                "Win rate",
                "Closed trades that won; red is the win_rate_min rule, which waits for 20 closed trades.",
                "percent",
                (Query(catalog.WIN_RATE.name, "win rate"),),
                THRESHOLDS["win_rate_min"] * 100,
                below_is_bad=True,
            ),
            Panel("Closed trades", "By outcome, since the beginning.", "short", (Query(closed, "{{outcome}}"),)),
            Panel("Execution time", "How long the execution of a trade took.", "s", took),
            Panel(
                "Holding time",
                "Median time that closed positions were held.",
                "s",
                (
                    Query(
                        f"histogram_quantile(0.5, sum by (le) ({holding}))",
                        "median",
                    ),
                ),
            ),
        ),
    )


def exchange() -> Row:
    """Return the row about exchange calls, errors and webhooks."""
    calls = catalog.TRADING_API_DURATION
    return Row(
        "Exchange and errors",
        (
            Panel(
                "Slowest calls",
                "99th percentile by endpoint; red is the api_latency_max rule.",
                "s",
                (Query(quantile(0.99, calls, "environment, endpoint"), "{{environment}} {{endpoint}}"),),
                THRESHOLDS["api_latency_max"],
            ),
            Panel(
                "Calls per second",
                "Calls to exchange and broker by endpoint.",
                "reqps",
                (Query(rate(calls, "environment, endpoint", suffix="_count"), "{{environment}} {{endpoint}}"),),
            ),
            Panel(
                "Errors and webhooks",
                "Errors by kind, failed calls by endpoint and webhooks by status, per second.",
                "ops",
                (
                    Query(rate(catalog.TRADING_ERRORS, "kind"), "error {{kind}}"),
                    Query(rate(catalog.API_FAILURES, "endpoint"), "failed {{endpoint}}"),
                    Query(rate(catalog.TRADING_WEBHOOKS, "status"), "webhook {{status}}"),
                    Query(
                        f'sum(rate({catalog.ENGINE_WEBHOOKS.name}{{status="refused"}}[$__rate_interval]))',
                        "webhook refused",
                    ),
                ),
            ),
            Panel(
                "Machine of the engine",
                "CPU, memory and disk in use.",
                "percent",
                (
                    Query(catalog.SYSTEM_CPU.name, "CPU"),
                    Query(catalog.SYSTEM_MEMORY.name, "memory"),
                    Query(catalog.SYSTEM_DISK.name, "disk"),
                ),
            ),
        ),
    )


def platform() -> Row:
    """Return the row about the services themselves."""
    return Row(
        "Platform",
        (
            Panel("Targets", "1: Prometheus reaches the service.", "short", (Query("up", "{{service}} {{job}}"),)),
            Panel(
                "Events into the ledger",
                "Per second, by type and outcome.",
                "ops",
                (Query(rate(catalog.TRADING_EVENTS, "type, outcome"), "{{type}} {{outcome}}"),),
            ),
            Panel(
                "Ingest time",
                "99th percentile from a batch's arrival to its commit.",
                "s",
                (Query(quantile(0.99, catalog.INGEST_SECONDS), "p99"),),
            ),
            Panel(
                "Behind the ledger",
                "Events waiting in the engine, and how far the alerts service lags behind.",
                "short",
                (
                    Query(catalog.ENGINE_OUTBOX_PENDING.name, "waiting in the engine"),
                    Query(
                        f"sum({catalog.LEDGER_SEQUENCE.name}) - sum({catalog.ALERTS_SEQUENCE.name})",
                        "not yet evaluated",
                    ),
                ),
            ),
        ),
    )


def alerting() -> Row:
    """Return the row about evaluation, notifications and the circuit breaker."""
    return Row(
        "Alerting",
        (
            Panel(
                "Circuit breaker and alerts",
                "1 for the state the breaker is in, and the alerts of our own rules that fire.",
                "short",
                (
                    Query(catalog.ALERTS_BREAKER.name, "breaker {{state}}"),
                    Query(f"sum({catalog.ALERTS_FIRING.name}) or vector(0)", "firing alerts"),
                ),
            ),
            Panel(
                "Notifications that wait",
                "Messages not acknowledged yet, and the age of the oldest; both grow while a webhook is down.",
                "short",
                (
                    Query(f"sum by (channel) ({catalog.ALERTS_WAITING.name})", "waiting {{channel}}"),
                    Query(f"time() - {catalog.ALERTS_OLDEST.name} or vector(0)", "oldest, seconds"),
                ),
            ),
            Panel(
                "Alerts and jobs",
                "Evaluations, notifications, backtest jobs and stress runs per second.",
                "ops",
                (
                    Query(rate(catalog.ALERTS_EVALUATIONS, "outcome"), "evaluation {{outcome}}"),
                    Query(rate(catalog.ALERTS_NOTIFICATIONS, "outcome"), "notification {{outcome}}"),
                    Query(rate(catalog.BACKTEST_JOBS, "status"), "backtest {{status}}"),
                    Query(rate(catalog.STRESS_RUNS, "verdict"), "stress {{verdict}}"),
                ),
            ),
        ),
    )


def rows() -> tuple[Row, ...]:
    """Return the dashboard from top to bottom."""
    return (on_call(), money(), trades(), exchange(), platform(), alerting())
