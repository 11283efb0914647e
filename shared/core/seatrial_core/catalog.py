"""The catalogue of all metrics that Seatrial exposes; no other module spells a metric name."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

# The usual values of `status` in trades_total; every known strategy shows each of them from zero.
TRADE_STATUSES = ("filled", "success", "rejected", "failed")
EXECUTION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Kind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric family.

    Args:
        name: The name on the page (counters end in `_total`).
        kind: Its Prometheus type.
        help: One sentence.
        labels: Label names, in order.
        scope: Label names that the ledger's page puts before them; a bot's own page has only `labels`.
        service: Which service exposes it.
        unit: What one unit means.
        buckets: Upper bounds in seconds, for histograms.
        page: "ledger" for 9999 `/metrics`, "process" for a service's own families.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    service: str = "metrics"
    unit: str = ""
    buckets: tuple[float, ...] = field(default=EXECUTION_BUCKETS)
    page: str = "ledger"
    scope: tuple[str, ...] = ()

    @property
    def page_labels(self) -> tuple[str, ...]:
        """Return all label names of the ledger's page."""
        return self.scope + self.labels


TRADES = Metric("trades_total", Kind.COUNTER, "Trades by strategy, side and status.", ("strategy", "side", "status"))
TRADE_DURATION = Metric(
    "trade_duration_seconds", Kind.HISTOGRAM, "How long the execution of a trade took.", unit="seconds"
)
CURRENT_PNL = Metric(
    "current_pnl",
    Kind.GAUGE,
    "Profit or loss since the opening balances, realised and unrealised, in the base currency.",
    unit="base currency",
)
OPEN_POSITIONS = Metric("open_positions", Kind.GAUGE, "Number of open positions.")
WIN_RATE = Metric(
    "win_rate_percent", Kind.GAUGE, "Closed trades that won, in percent; absent before the first.", unit="percent"
)
SYSTEM_CPU = Metric(
    "system_cpu_percent", Kind.GAUGE, "CPU in use on the machine of the monitored engine.", unit="percent"
)
SYSTEM_MEMORY = Metric(
    "system_memory_percent", Kind.GAUGE, "Memory in use on the machine of the monitored engine.", unit="percent"
)
SYSTEM_DISK = Metric("system_disk_percent", Kind.GAUGE, "Disk in use where the monitored engine works.", unit="percent")
API_REQUEST_DURATION = Metric(
    "api_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long calls to exchange and broker took, by endpoint.",
    ("endpoint",),
    unit="seconds",
)
PORTFOLIO_RISK = Metric(
    "portfolio_risk_percent",
    Kind.GAUGE,
    "What would be lost if every open position hit its stop, in percent of equity.",
    unit="percent",
)
MAX_DRAWDOWN = Metric(
    "max_drawdown_percent",
    Kind.GAUGE,
    "Deepest fall of portfolio equity from its highest point since the beginning, in percent.",
    unit="percent",
)
DAILY_PNL = Metric(
    "daily_pnl",
    Kind.GAUGE,
    "Profit or loss of the current session (UTC day), in the base currency.",
    unit="base currency",
)

GUIDE_METRICS = (
    TRADES,
    TRADE_DURATION,
    CURRENT_PNL,
    OPEN_POSITIONS,
    WIN_RATE,
    SYSTEM_CPU,
    SYSTEM_MEMORY,
    SYSTEM_DISK,
    API_REQUEST_DURATION,
    PORTFOLIO_RISK,
    MAX_DRAWDOWN,
    DAILY_PNL,
)

BY_ENVIRONMENT = ("environment",)
BY_ACCOUNT = ("environment", "account", "currency")
BY_PORTFOLIO = ("environment", "currency")
BY_ENGINE = ("environment", "engine")

_by_environment = partial(Metric, scope=BY_ENVIRONMENT)
TRADING_TRADES = _by_environment("trading_trades_total", Kind.COUNTER, TRADES.help, TRADES.labels)
TRADING_TRADE_DURATION = _by_environment(
    "trading_trade_duration_seconds", Kind.HISTOGRAM, TRADE_DURATION.help, unit="seconds"
)
TRADING_API_DURATION = _by_environment(
    "trading_api_request_duration_seconds", Kind.HISTOGRAM, API_REQUEST_DURATION.help, ("endpoint",), unit="seconds"
)
TRADING_WEBHOOKS = _by_environment(
    "trading_webhooks_total", Kind.COUNTER, "Webhooks received by the engine.", ("status",)
)
TRADING_ERRORS = _by_environment("trading_errors_total", Kind.COUNTER, "Errors recorded by the engine.", ("kind",))
API_FAILURES = _by_environment(
    "trading_api_failures_total", Kind.COUNTER, "Calls to exchange and broker that failed, by endpoint.", ("endpoint",)
)
TRADING_EVENTS = _by_environment(
    "trading_events_total", Kind.COUNTER, "Events by type and outcome.", ("type", "outcome")
)
TRADING_EVENTS_DROPPED = _by_environment(
    "trading_events_dropped_total",
    Kind.COUNTER,
    "Records that were dropped before the ledger; without environment if it was not known.",
    ("reason",),
)
POSITION_HOLDING = _by_environment(
    "trading_position_holding_seconds",
    Kind.HISTOGRAM,
    "How long closed positions were held.",
    unit="seconds",
    buckets=(60.0, 600.0, 3600.0, 14400.0, 86400.0, 432000.0, 2592000.0),
)
CLOSED_TRADES = _by_environment(
    "trading_closed_trades_total", Kind.COUNTER, "Closed trades by outcome.", ("strategy", "outcome")
)


@dataclass(frozen=True)
class MoneyFigure:
    """A figure of the ledger that the page shows for each account and for the portfolio of each environment.

    Args:
        name: Its name in snapshots.
        account: The family of accounts.
        portfolio: The family of portfolios, in their currency.
        is_additive: Whether the figures of several accounts in one currency may be summed.
    """

    name: str
    account: Metric
    portfolio: Metric
    is_additive: bool = False


def _money(figure: str, suffix: str, text: str, unit: str = "currency", *, is_additive: bool = False) -> MoneyFigure:
    account = Metric(f"trading_{suffix}", Kind.GAUGE, f"{text}, by account.", scope=BY_ACCOUNT, unit=unit)
    portfolio = Metric(
        f"trading_portfolio_{suffix}",
        Kind.GAUGE,
        f"{text}, of all accounts; absent while a rate or a balance is missing.",
        scope=BY_PORTFOLIO,
        unit=unit,
    )
    return MoneyFigure(figure, account, portfolio, is_additive)


MONEY_EQUITY = _money("equity", "equity", "Equity", is_additive=True)
MONEY_PEAK = _money("high_water_mark", "equity_high_water_mark", "Highest equity so far, scaled by transfers")
MONEY_DRAWDOWN = _money("drawdown_ratio", "drawdown_ratio", "Current fall of equity from its peak", "ratio")
MONEY_MAX_DRAWDOWN = _money("max_drawdown_ratio", "max_drawdown_ratio", "Deepest fall of equity", "ratio")
MONEY_PNL = _money("pnl", "pnl", "Profit or loss since the beginning", is_additive=True)
MONEY_REALISED = _money("realised_pnl", "pnl_realised", "Profit or loss of closed trades", is_additive=True)
MONEY_SESSION_PNL = _money("session_pnl", "session_pnl", "Profit or loss of the session", is_additive=True)
MONEY_SESSION_LOSS = _money(
    "session_loss_ratio", "session_loss_ratio", "Loss of the session over the equity it began with", "ratio"
)
MONEY_ROLLING_LOSS = _money("rolling_loss_ratio", "rolling_loss_ratio", "Loss of the last 24 hours", "ratio")
MONEY_RISK = _money("risk_ratio", "risk_ratio", "Loss if every stop were hit, over equity", "ratio")
MONEY_POSITIONS = _money("open_positions", "open_positions", "Open positions", "", is_additive=True)
MONEY_DERIVED = _money(
    "derived_accounts",
    "equity_derived",
    "Accounts whose equity is opening balance plus results, because they report none",
    "",
    is_additive=True,
)
MONEY_FIGURES = (
    MONEY_EQUITY,
    MONEY_PEAK,
    MONEY_DRAWDOWN,
    MONEY_MAX_DRAWDOWN,
    MONEY_PNL,
    MONEY_REALISED,
    MONEY_SESSION_PNL,
    MONEY_SESSION_LOSS,
    MONEY_ROLLING_LOSS,
    MONEY_RISK,
    MONEY_POSITIONS,
    MONEY_DERIVED,
)
UNCONVERTED_EQUITY = Metric(
    "trading_unconverted_equity",
    Kind.GAUGE,
    "Equity that is in no portfolio figure, because no current rate converts its currency.",
    scope=BY_PORTFOLIO,
    unit="currency",
)
RESTATEMENT_RUNNING = Metric(
    "trading_restatement_running",
    Kind.GAUGE,
    "1 while late events are worked into the equity of the past.",
    scope=BY_ENVIRONMENT,
)
LAST_EVENT = Metric(
    "trading_last_event_timestamp_seconds",
    Kind.GAUGE,
    "When the newest event of an engine occurred, as epoch seconds.",
    scope=BY_ENGINE,
    unit="seconds",
)
HEARTBEAT = Metric(
    "trading_engine_heartbeat_timestamp_seconds",
    Kind.GAUGE,
    "Time of the last heartbeat of an engine, as epoch seconds.",
    scope=BY_ENGINE,
    unit="seconds",
)
CLOCK_SKEW = Metric(
    "trading_clock_skew_seconds",
    Kind.GAUGE,
    "How far the clock of an engine was ahead at its last events, refused ones included; 0 if it was not.",
    scope=BY_ENGINE,
    unit="seconds",
)
LABEL_OVERFLOW = Metric(
    "trading_label_overflow_total",
    Kind.COUNTER,
    "Label values counted as `__other__` by a budget.",
    ("label",),
)
LEDGER_SEQUENCE = Metric("metrics_ledger_sequence", Kind.GAUGE, "Sequence of the last committed event.")
FIGURES_AGE = Metric(
    "metrics_figures_age_seconds",
    Kind.GAUGE,
    "Age of the figures on this page; grows while Postgres is away.",
    unit="seconds",
)

TRADING_METRICS = (
    TRADING_TRADES,
    TRADING_TRADE_DURATION,
    TRADING_API_DURATION,
    TRADING_WEBHOOKS,
    TRADING_ERRORS,
    API_FAILURES,
    TRADING_EVENTS,
    TRADING_EVENTS_DROPPED,
    POSITION_HOLDING,
    CLOSED_TRADES,
    *(figure.account for figure in MONEY_FIGURES),
    *(figure.portfolio for figure in MONEY_FIGURES),
    UNCONVERTED_EQUITY,
    RESTATEMENT_RUNNING,
    LAST_EVENT,
    HEARTBEAT,
    CLOCK_SKEW,
    LABEL_OVERFLOW,
    LEDGER_SEQUENCE,
    FIGURES_AGE,
)

INGEST_SECONDS = Metric(
    "metrics_ingest_seconds",
    Kind.HISTOGRAM,
    "From the arrival of a batch to its commit.",
    unit="seconds",
    page="process",
)
METRICS_PROCESS = (INGEST_SECONDS,)

ENGINE_ORDERS = Metric(
    "engine_orders_total", Kind.COUNTER, "Orders by status.", ("status",), service="engine", page="process"
)
ENGINE_OUTBOX_PENDING = Metric(
    "engine_outbox_pending", Kind.GAUGE, "Events that wait to be pushed.", service="engine", page="process"
)
ENGINE_OUTBOX_HELD = Metric(
    "engine_outbox_held",
    Kind.GAUGE,
    "Events that wait because this machine's clock is ahead of the metrics service's.",
    service="engine",
    page="process",
)
ENGINE_OUTBOX_PUSHES = Metric(
    "engine_outbox_pushes_total",
    Kind.COUNTER,
    "Batches pushed, by outcome.",
    ("outcome",),
    service="engine",
    page="process",
)
ENGINE_WEBHOOKS = Metric(
    "engine_webhooks_total",
    Kind.COUNTER,
    "Webhooks by status; refused ones are counted here only.",
    ("status",),
    service="engine",
    page="process",
)
ENGINE_METRICS = (ENGINE_ORDERS, ENGINE_OUTBOX_PENDING, ENGINE_OUTBOX_HELD, ENGINE_OUTBOX_PUSHES, ENGINE_WEBHOOKS)

BACKTEST_JOBS = Metric(
    "backtest_jobs_total",
    Kind.COUNTER,
    "Backtest jobs by final status.",
    ("status",),
    service="backtest",
    page="process",
)
BACKTEST_SECONDS = Metric(
    "backtest_job_seconds",
    Kind.HISTOGRAM,
    "How long a backtest job ran.",
    service="backtest",
    unit="seconds",
    page="process",
)
BACKTEST_METRICS = (BACKTEST_JOBS, BACKTEST_SECONDS)

STRESS_RUNS = Metric(
    "stress_runs_total", Kind.COUNTER, "Stress runs by verdict.", ("verdict",), service="stress", page="process"
)
STRESS_METRICS = (STRESS_RUNS,)

PEER_CALLS = Metric(
    "peer_calls_total",
    Kind.COUNTER,
    "Calls to other services, by peer and outcome.",
    ("peer", "outcome"),
    service="all",
    page="process",
)
LOOP_FAILURES = Metric(
    "background_loop_failures_total",
    Kind.COUNTER,
    "Iterations of a background loop that failed, by loop.",
    ("loop",),
    service="all",
    page="process",
)
ACCESS_REFUSALS = Metric(
    "access_refusals_total",
    Kind.COUNTER,
    "Requests refused with 401, 403 or 429 for their token or signature, by reason.",
    ("reason",),
    service="all",
    page="process",
)
TRANSPORT_REFUSALS = Metric(
    "transport_refusals_total",
    Kind.COUNTER,
    "Requests and connections refused before a route was looked for (host, origin, media type, limits), by reason.",
    ("reason",),
    service="all",
    page="process",
)
AUDIT_EVENTS = Metric(
    "audit_events_total",
    Kind.COUNTER,
    "Changes written to the audit log (halt, resume, rules, silences, tokens), by action.",
    ("action",),
    service="all",
    page="process",
)
PAGE_READING_AGE = Metric(
    "page_reading_age_seconds",
    Kind.GAUGE,
    "Age of what the page reads from the database at a scrape; older than 5 seconds it is absent.",
    ("reading",),
    service="all",
    unit="seconds",
    page="process",
)
SHARED_METRICS = (PAGE_READING_AGE, PEER_CALLS, LOOP_FAILURES, ACCESS_REFUSALS, TRANSPORT_REFUSALS, AUDIT_EVENTS)

_alerts = partial(Metric, service="alerts", page="process")
ALERTS_EVALUATIONS = _alerts("alerts_evaluations_total", Kind.COUNTER, "Evaluations of all rules.", ("outcome",))
ALERTS_SEQUENCE = _alerts("alerts_last_sequence", Kind.GAUGE, "Ledger sequence of the last evaluated snapshot.")
ALERTS_EVALUATED_AT = _alerts(
    "alerts_last_evaluation_timestamp_seconds",
    Kind.GAUGE,
    "When the rules were last evaluated, as epoch seconds; does not move while the metrics service is away.",
    unit="seconds",
)
ALERTS_NOTIFICATIONS = _alerts(
    "alerts_notifications_total", Kind.COUNTER, "Attempts to deliver a notification, by outcome.", ("outcome",)
)
ALERTS_DEAD = _alerts("alerts_notifications_dead_total", Kind.COUNTER, "Notifications that were given up.")
ALERTS_FIRING = _alerts("alerts_firing", Kind.GAUGE, "Alerts that fire.", ("rule",))
ALERTS_MATCHED = _alerts(
    "alerts_rule_matched", Kind.GAUGE, "Figures that a rule is compared with; a rule with 0 can never fire.", ("rule",)
)
ALERTS_WAITING = _alerts("alerts_outbox_waiting", Kind.GAUGE, "Messages not acknowledged yet.", ("channel",))
ALERTS_OLDEST = _alerts(
    "alerts_outbox_oldest_timestamp_seconds",
    Kind.GAUGE,
    "When the oldest waiting message was queued.",
    unit="seconds",
)
ALERTS_BREAKER = _alerts("alerts_breaker_state", Kind.GAUGE, "1 for the state of the circuit breaker.", ("state",))
ALERTS_METRICS = (
    ALERTS_EVALUATIONS,
    ALERTS_SEQUENCE,
    ALERTS_EVALUATED_AT,
    ALERTS_NOTIFICATIONS,
    ALERTS_DEAD,
    ALERTS_FIRING,
    ALERTS_MATCHED,
    ALERTS_WAITING,
    ALERTS_OLDEST,
    ALERTS_BREAKER,
)

CATALOG: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *GUIDE_METRICS,
        *TRADING_METRICS,
        *METRICS_PROCESS,
        *ENGINE_METRICS,
        *BACKTEST_METRICS,
        *ALERTS_METRICS,
        *STRESS_METRICS,
        *SHARED_METRICS,
    )
}
