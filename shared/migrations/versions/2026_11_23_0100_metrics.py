"""Make the tables of the metrics service."""

from alembic import op

revision = "2026_11_23_0100_metrics"
down_revision = "2026_11_23_0000_schemas"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
