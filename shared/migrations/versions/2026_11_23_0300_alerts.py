"""Make the tables of the alerts service."""

from alembic import op

revision = "2026_11_23_0300_alerts"
down_revision = "2026_11_23_0200_engine"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
