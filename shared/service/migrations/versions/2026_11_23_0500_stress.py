"""Make the tables of the stress service."""

from alembic import op

revision = "2026_11_23_0500_stress"
down_revision = "2026_11_23_0400_backtest"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE stress.runs (
        id VARCHAR NOT NULL,
        plan JSONB NOT NULL,
        target VARCHAR NOT NULL,
        origin VARCHAR NOT NULL,
        status VARCHAR NOT NULL,
        progress_ratio FLOAT NOT NULL,
        verdict VARCHAR,
        error TEXT,
        report JSONB,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_runs PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_runs_created_at ON stress.runs (created_at)",
)


def upgrade() -> None:
    """Create the table."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
