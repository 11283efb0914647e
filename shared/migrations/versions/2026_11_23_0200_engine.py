"""Make the tables of the engine service."""

from alembic import op

revision = "2026_11_23_0200_engine"
down_revision = "2026_11_23_0100_metrics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
