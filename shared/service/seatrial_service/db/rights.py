"""What the role of each service may do with each table; what is not listed is refused."""

READ = "SELECT"
CHANGE = "SELECT, UPDATE"
APPEND = "SELECT, INSERT"
APPEND_AND_DELETE = "SELECT, INSERT, DELETE"
WRITE = "SELECT, INSERT, UPDATE"
ALL = "SELECT, INSERT, UPDATE, DELETE"

# History (events, fills, control changes, transitions, deliveries, results) is append-only: a service that is taken
# over can add to it, but neither change nor delete what happened.
RIGHTS: dict[str, dict[str, str]] = {
    "metrics": {
        "ledger_head": CHANGE,
        "events": APPEND,
        "event_keys": APPEND_AND_DELETE,
        "batches": APPEND_AND_DELETE,
        "accounts": WRITE,
        "portfolios": WRITE,
        "equity_points": WRITE,
        "portfolio_points": WRITE,
        "fx_rates": WRITE,
        "restatements": ALL,
        "conflicts": ALL,
        "clock_skews": ALL,
        "counters": WRITE,
        "activity": ALL,
        "engines": WRITE,
    },
    "alerts": {
        "rules": ALL,
        "states": ALL,
        "last_evaluation": CHANGE,
        "alerts": WRITE,
        "transitions": APPEND,
        "outbox": WRITE,
        "deliveries": APPEND,
        "silences": APPEND_AND_DELETE,
    },
    "backtest": {
        "datasets": APPEND,
        "jobs": WRITE,
        "results": APPEND,
        "procrastinate_jobs": ALL,
        "procrastinate_workers": ALL,
        "procrastinate_events": ALL,
        "procrastinate_periodic_defers": ALL,
    },
    "engine": {
        "instance": WRITE,
        "control_changes": APPEND,
        "accounts": WRITE,
        "positions": APPEND_AND_DELETE,
        "orders": APPEND,
        "fills": APPEND,
        "used_signatures": APPEND_AND_DELETE,
        "outbox": ALL,
        "outbox_rejected": APPEND,
        "replays": WRITE,
        "replay_parts": APPEND,
    },
    "stress": {"runs": WRITE},
}
# Tables outside a service's own schema that every service reads.
READ_BY_ALL: dict[str, tuple[str, ...]] = {"public": ("alembic_version",), "access": ("tokens",)}
