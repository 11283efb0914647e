"""Add the row that says on which snapshot the alert rules were last evaluated."""

from alembic import op

revision = "2026_11_28_0000_last_evaluation"
down_revision = "2026_11_23_0500_stress"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE alerts.last_evaluation (
        id SMALLINT NOT NULL,
        sequence BIGINT NOT NULL,
        as_of TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_last_evaluation PRIMARY KEY (id)
    )
    """,
    "INSERT INTO alerts.last_evaluation (id, sequence, as_of) VALUES (1, 0, '1970-01-01T00:00:00Z')",
)


def upgrade() -> None:
    """Create the table; a service of the previous version ignores it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
