"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what changes and why it is safe while the old code still runs."""
    op.execute("SET LOCAL lock_timeout = '5s'")
