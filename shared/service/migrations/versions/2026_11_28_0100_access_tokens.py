"""Make the table of access tokens, which holds their hashes."""

from alembic import op

revision = "2026_11_28_0100_access_tokens"
down_revision = "2026_11_28_0000_last_evaluation"
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE SCHEMA IF NOT EXISTS access",
    """
    CREATE TABLE access.tokens (
        id VARCHAR NOT NULL,
        name VARCHAR NOT NULL,
        hash VARCHAR NOT NULL,
        scopes JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        created_by VARCHAR NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        revoked_by VARCHAR,
        CONSTRAINT pk_tokens PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_tokens_hash ON access.tokens (hash)",
    "CREATE UNIQUE INDEX uq_tokens_name ON access.tokens (name) WHERE revoked_at IS NULL",
)


def upgrade() -> None:
    """Create the table; a service of the previous version ignores it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
