"""Equity of earlier sessions and of the last 24 hours, by which the engine limits losses."""

from alembic import op

revision = "2026_11_28_0610_equity_history"
down_revision = "2026_11_28_0600_event_content"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE engine.accounts ADD COLUMN equity_history TEXT")
