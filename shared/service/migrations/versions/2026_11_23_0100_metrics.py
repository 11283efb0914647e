"""Make the tables of the metrics service: ledger, keys, books, counters, and the view that carries the guide's name."""

from alembic import op

revision = "2026_11_23_0100_metrics"
down_revision = "2026_11_23_0000_schemas"
branch_labels = None
depends_on = None

# The partitions of metrics.events are made by the service, a week ahead.
TABLES = (
    """
    CREATE TABLE metrics.ledger_head (
        id SMALLINT NOT NULL,
        last_sequence BIGINT DEFAULT 0 NOT NULL,
        CONSTRAINT pk_ledger_head PRIMARY KEY (id)
    )
    """,
    """
    CREATE TABLE metrics.events (
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        sequence BIGINT NOT NULL,
        id VARCHAR NOT NULL,
        type VARCHAR NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        engine VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        strategy VARCHAR NOT NULL,
        symbol VARCHAR NOT NULL,
        environment VARCHAR NOT NULL,
        body JSONB NOT NULL,
        CONSTRAINT pk_events PRIMARY KEY (received_at, sequence)
    ) PARTITION BY RANGE (received_at)
    """,
    """
    CREATE TABLE metrics.event_keys (
        environment VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        ledger_key VARCHAR NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        lasting BOOLEAN NOT NULL,
        CONSTRAINT pk_event_keys PRIMARY KEY (environment, account, ledger_key)
    )
    """,
    """
    CREATE TABLE metrics.batches (
        producer VARCHAR NOT NULL,
        sequence VARCHAR NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_batches PRIMARY KEY (producer, sequence)
    )
    """,
    """
    CREATE TABLE metrics.accounts (
        environment VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        currency VARCHAR NOT NULL,
        opening_balance NUMERIC,
        opened_at TIMESTAMP WITH TIME ZONE,
        first_equity_at TIMESTAMP WITH TIME ZONE,
        cash NUMERIC,
        open_positions INTEGER,
        risk_at_stop NUMERIC,
        realised_pnl NUMERIC NOT NULL,
        wins BIGINT NOT NULL,
        losses BIGINT NOT NULL,
        flats BIGINT NOT NULL,
        late_events BIGINT NOT NULL,
        last_occurred_at TIMESTAMP WITH TIME ZONE,
        before JSONB NOT NULL,
        pending JSONB,
        pending_at TIMESTAMP WITH TIME ZONE,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        equity NUMERIC NOT NULL,
        peak NUMERIC NOT NULL,
        max_drawdown_ratio NUMERIC NOT NULL,
        base NUMERIC NOT NULL,
        session_day DATE,
        session_start_equity NUMERIC NOT NULL,
        members INTEGER NOT NULL,
        CONSTRAINT pk_accounts PRIMARY KEY (environment, account)
    )
    """,
    """
    CREATE TABLE metrics.portfolios (
        environment VARCHAR NOT NULL,
        before JSONB NOT NULL,
        pending JSONB,
        pending_at TIMESTAMP WITH TIME ZONE,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        equity NUMERIC NOT NULL,
        peak NUMERIC NOT NULL,
        max_drawdown_ratio NUMERIC NOT NULL,
        base NUMERIC NOT NULL,
        session_day DATE,
        session_start_equity NUMERIC NOT NULL,
        members INTEGER NOT NULL,
        CONSTRAINT pk_portfolios PRIMARY KEY (environment)
    )
    """,
    """
    CREATE TABLE metrics.equity_points (
        environment VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        cash NUMERIC,
        open_positions INTEGER,
        risk_at_stop NUMERIC,
        equity NUMERIC NOT NULL,
        peak NUMERIC NOT NULL,
        max_drawdown_ratio NUMERIC NOT NULL,
        base NUMERIC NOT NULL,
        session_day DATE,
        session_start_equity NUMERIC NOT NULL,
        members INTEGER NOT NULL,
        CONSTRAINT pk_equity_points PRIMARY KEY (environment, account, occurred_at)
    )
    """,
    """
    CREATE TABLE metrics.portfolio_points (
        environment VARCHAR NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        equity NUMERIC NOT NULL,
        peak NUMERIC NOT NULL,
        max_drawdown_ratio NUMERIC NOT NULL,
        base NUMERIC NOT NULL,
        session_day DATE,
        session_start_equity NUMERIC NOT NULL,
        members INTEGER NOT NULL,
        CONSTRAINT pk_portfolio_points PRIMARY KEY (environment, occurred_at)
    )
    """,
    """
    CREATE TABLE metrics.counters (
        environment VARCHAR NOT NULL,
        family VARCHAR NOT NULL,
        first VARCHAR NOT NULL,
        second VARCHAR NOT NULL,
        third VARCHAR NOT NULL,
        value NUMERIC NOT NULL,
        number BIGINT GENERATED ALWAYS AS IDENTITY,
        CONSTRAINT pk_counters PRIMARY KEY (environment, family, first, second, third)
    )
    """,
    """
    CREATE TABLE metrics.activity (
        environment VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        endpoint VARCHAR NOT NULL,
        second TIMESTAMP WITH TIME ZONE NOT NULL,
        trades BIGINT NOT NULL,
        api_calls BIGINT NOT NULL,
        failed_calls BIGINT NOT NULL,
        errors BIGINT NOT NULL,
        slowest_seconds NUMERIC,
        CONSTRAINT pk_activity PRIMARY KEY (environment, account, endpoint, second)
    )
    """,
    """
    CREATE TABLE metrics.engines (
        environment VARCHAR NOT NULL,
        engine VARCHAR NOT NULL,
        last_occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        heartbeat_at TIMESTAMP WITH TIME ZONE,
        system_at TIMESTAMP WITH TIME ZONE,
        system_received_at TIMESTAMP WITH TIME ZONE,
        cpu_percent NUMERIC,
        memory_percent NUMERIC,
        disk_percent NUMERIC,
        CONSTRAINT pk_engines PRIMARY KEY (environment, engine)
    )
    """,
)
INDEXES = (
    "CREATE INDEX ix_events_account ON metrics.events (environment, account, occurred_at)",
    "CREATE INDEX ix_events_sequence ON metrics.events (sequence)",
    "CREATE INDEX ix_event_keys_received_at ON metrics.event_keys (received_at)",
    "CREATE INDEX ix_batches_received_at ON metrics.batches (received_at)",
    "CREATE INDEX ix_equity_points_time ON metrics.equity_points (environment, occurred_at)",
    "CREATE INDEX ix_activity_second ON metrics.activity (environment, second)",
)
VIEW = """
    CREATE VIEW public.performance_metrics AS
    SELECT environment,
           account,
           currency,
           equity,
           peak AS high_water_mark,
           CASE WHEN peak > 0 THEN GREATEST(0, LEAST(1, (peak - equity) / peak)) END AS drawdown_ratio,
           max_drawdown_ratio,
           equity - base AS pnl,
           realised_pnl,
           equity - session_start_equity AS session_pnl,
           wins,
           losses,
           flats,
           CASE WHEN wins + losses + flats > 0 THEN wins::numeric / (wins + losses + flats) END AS win_rate_ratio,
           open_positions,
           last_occurred_at
    FROM metrics.accounts
    WHERE members > 0
    """


def upgrade() -> None:
    """Create the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*TABLES, *INDEXES, VIEW):
        op.execute(statement)
    op.execute("INSERT INTO metrics.ledger_head (id) VALUES (1)")
