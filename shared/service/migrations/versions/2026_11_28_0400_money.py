"""Flows, derived equity, currencies, and restatements of the metrics service."""

from alembic import op

revision = "2026_11_28_0400_money"
down_revision = "2026_11_28_0300_used_signatures"
branch_labels = None
depends_on = None

LEVELS = ("accounts", "portfolios", "equity_points", "portfolio_points")
CURVES = ("accounts", "portfolios")

ADD_REFERENCES = """
    ALTER TABLE metrics.{table}
        ADD COLUMN base_reference NUMERIC,
        ADD COLUMN session_reference NUMERIC,
        ADD COLUMN withdrawn_equity NUMERIC
    """
FILL_REFERENCES = "UPDATE metrics.{table} SET base_reference = base, session_reference = session_start_equity"
REQUIRE_REFERENCES = """
    ALTER TABLE metrics.{table}
        ALTER COLUMN base_reference SET NOT NULL,
        ALTER COLUMN session_reference SET NOT NULL
    """
FILL_BEFORE = """
    UPDATE metrics.{table}
    SET before = before || jsonb_build_object(
        'base_reference', before->'base', 'session_reference', before->'session_start_equity', 'withdrawn_equity', null
    )
    """

STATEMENTS = (
    *(ADD_REFERENCES.format(table=table) for table in LEVELS),
    *(FILL_REFERENCES.format(table=table) for table in LEVELS),
    *(REQUIRE_REFERENCES.format(table=table) for table in LEVELS),
    *(FILL_BEFORE.format(table=table) for table in CURVES),
    "ALTER TABLE metrics.accounts RENAME COLUMN first_equity_at TO first_entry_at",
    """
    ALTER TABLE metrics.accounts
        ADD COLUMN session_zone VARCHAR NOT NULL DEFAULT 'UTC',
        ADD COLUMN filled_trades BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN marked_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN marked_equity NUMERIC
    """,
    "UPDATE metrics.accounts SET filled_trades = wins + losses + flats",
    """
    UPDATE metrics.accounts
    SET marked_at = pending_at, marked_equity = equity,
        pending = jsonb_build_object('marked', true, 'flow', '0', 'result', '0')
    WHERE pending_at IS NOT NULL
    """,
    """
    ALTER TABLE metrics.portfolios
        ADD COLUMN currency VARCHAR NOT NULL DEFAULT 'USD',
        ADD COLUMN other_currencies JSONB,
        ADD COLUMN session_zone VARCHAR NOT NULL DEFAULT 'UTC',
        ADD COLUMN pending_since TIMESTAMP WITH TIME ZONE
    """,
    """
    UPDATE metrics.portfolios
    SET pending_since = updated_at,
        pending = jsonb_build_object('changes', jsonb_build_object('USD', jsonb_build_object(
            'flow', pending->>'joined',
            'profit', ((pending->>'change')::numeric - (pending->>'joined')::numeric)::text,
            'joining', pending->'joining', 'reported', pending->'reported'
        )), 'rates', '{}'::jsonb)
    WHERE pending_at IS NOT NULL
    """,
    """
    ALTER TABLE metrics.portfolio_points
        ADD COLUMN currency VARCHAR NOT NULL DEFAULT 'USD',
        ADD COLUMN other_currencies JSONB
    """,
    """
    ALTER TABLE metrics.equity_points
        ADD COLUMN marked_equity NUMERIC,
        ADD COLUMN flow NUMERIC NOT NULL DEFAULT 0,
        ADD COLUMN result NUMERIC NOT NULL DEFAULT 0
    """,
    "UPDATE metrics.equity_points SET marked_equity = equity",
    """
    CREATE TABLE metrics.fx_rates (
        environment VARCHAR NOT NULL,
        base VARCHAR NOT NULL,
        quote VARCHAR NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        rate NUMERIC NOT NULL,
        source VARCHAR NOT NULL,
        CONSTRAINT pk_fx_rates PRIMARY KEY (environment, base, quote, occurred_at)
    )
    """,
    """
    CREATE TABLE metrics.restatements (
        environment VARCHAR NOT NULL,
        next_start_at TIMESTAMP WITH TIME ZONE,
        cursor_at TIMESTAMP WITH TIME ZONE,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_restatements PRIMARY KEY (environment)
    )
    """,
    # Capital that joined was added to the peak; now it scales it, so all curves are computed again.
    """
    INSERT INTO metrics.restatements (environment, next_start_at, requested_at)
    SELECT environment, min(occurred_at), now() FROM metrics.equity_points GROUP BY environment
    """,
)


def upgrade() -> None:
    """Add the columns and tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
