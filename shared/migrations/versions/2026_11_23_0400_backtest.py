"""Make the tables of the backtest service."""

from alembic import op

revision = "2026_11_23_0400_backtest"
down_revision = "2026_11_23_0300_alerts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
