"""Held events, clock skews, the content of events next to their keys, and conflicting events."""

from alembic import op

revision = "2026_11_28_0600_event_content"
down_revision = "2026_11_28_0400_money"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE engine.outbox ADD COLUMN holds INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE metrics.event_keys ADD COLUMN content BYTEA",
    """
    CREATE TABLE metrics.conflicts (
        environment VARCHAR NOT NULL,
        account VARCHAR NOT NULL,
        type VARCHAR NOT NULL,
        event_id VARCHAR NOT NULL,
        content BYTEA NOT NULL,
        number BIGINT GENERATED ALWAYS AS IDENTITY,
        engine VARCHAR NOT NULL,
        body JSONB NOT NULL,
        times BIGINT NOT NULL DEFAULT 1,
        first_received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_conflicts PRIMARY KEY (environment, account, type, event_id, content)
    )
    """,
    "CREATE INDEX ix_conflicts_number ON metrics.conflicts (number)",
    """
    CREATE TABLE metrics.clock_skews (
        environment VARCHAR NOT NULL,
        engine VARCHAR NOT NULL,
        seconds NUMERIC NOT NULL,
        measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_clock_skews PRIMARY KEY (environment, engine)
    )
    """,
    # Stored trades get the key of their execution (contracts/event_keys.py), so that a repetition under another event
    # id is still known; those without a `trade_id` have the key of their event already.
    """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting)
    SELECT stored.environment, stored.account, 'trade_step:' || encode(sha256(convert_to(concat(
               stored.body->>'trade_id', chr(31), coalesce(stored.body->>'status', ''), chr(31),
               stored.body->>'side', chr(31), stored.strategy, chr(31), stored.symbol, chr(31),
               stored.body->>'exit_reason', chr(31),
               trim_scale((stored.body->>'quantity')::numeric), chr(31),
               trim_scale((stored.body->>'price')::numeric), chr(31),
               trim_scale((stored.body->>'pnl')::numeric), chr(31),
               trim_scale((stored.body->>'fee')::numeric)
           ), 'UTF8')), 'hex'), stored.occurred_at, stored.received_at, known.lasting
    FROM metrics.events AS stored
    JOIN metrics.event_keys AS known
      ON known.environment = stored.environment AND known.account = stored.account
     AND known.ledger_key = 'trade:' || (stored.body->>'trade_id')
    WHERE stored.type = 'trade' AND stored.body->>'trade_id' IS NOT NULL
    ON CONFLICT DO NOTHING
    """,
    # The same events by their own id.
    """
    INSERT INTO metrics.event_keys (environment, account, ledger_key, occurred_at, received_at, lasting)
    SELECT stored.environment, stored.account, 'trade:' || stored.id, stored.occurred_at, stored.received_at,
           known.lasting
    FROM metrics.events AS stored
    JOIN metrics.event_keys AS known
      ON known.environment = stored.environment AND known.account = stored.account
     AND known.ledger_key = 'trade:' || (stored.body->>'trade_id')
    WHERE stored.type = 'trade' AND stored.body->>'trade_id' <> stored.id
    ON CONFLICT DO NOTHING
    """,
    # A `trade_id` is no event id: an event of another content may have it as its id.
    """
    DELETE FROM metrics.event_keys AS known
    USING metrics.events AS stored
    WHERE stored.type = 'trade' AND stored.environment = known.environment AND stored.account = known.account
      AND known.ledger_key = 'trade:' || (stored.body->>'trade_id')
      AND NOT EXISTS (
          SELECT FROM metrics.events AS own
          WHERE own.type = 'trade' AND own.environment = known.environment AND own.account = known.account
            AND own.id = stored.body->>'trade_id'
      )
    """,
)


def upgrade() -> None:
    """Add the column and the tables, and the keys of stored trades."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
