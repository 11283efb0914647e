"""Remember the signatures of webhooks that make no order across restarts of the engine."""

from alembic import op

revision = "2026_11_28_0300_used_signatures"
down_revision = "2026_11_28_0200_event_partitions"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE engine.used_signatures (
        identity VARCHAR NOT NULL,
        signed_at BIGINT NOT NULL,
        CONSTRAINT pk_used_signatures PRIMARY KEY (identity)
    )
    """,
    "CREATE INDEX ix_used_signatures_signed_at ON engine.used_signatures (signed_at)",
)


def upgrade() -> None:
    """Create the table; an engine of the previous version ignores it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
