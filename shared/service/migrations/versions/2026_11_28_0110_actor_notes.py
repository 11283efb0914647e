"""Add what a caller says about itself next to the authenticated actor, and who changed a rule."""

from alembic import op

revision = "2026_11_28_0110_actor_notes"
down_revision = "2026_11_28_0100_access_tokens"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE engine.control_changes ADD COLUMN note VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE alerts.alerts ADD COLUMN acknowledged_note VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE alerts.silences ADD COLUMN note VARCHAR DEFAULT '' NOT NULL",
    "ALTER TABLE alerts.rules ADD COLUMN updated_by VARCHAR DEFAULT '' NOT NULL",
)


def upgrade() -> None:
    """Add the columns; a service of the previous version writes none of them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
