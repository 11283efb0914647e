"""Make one schema a service."""

from alembic import op

revision = "2026_11_23_0000_schemas"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schemas; each service writes only its own."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("metrics", "alerts", "backtest", "engine", "stress"):
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
