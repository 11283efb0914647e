"""Let the metrics service make and drop its daily partitions without owning the table."""

from alembic import op

revision = "2026_11_28_0200_event_partitions"
down_revision = "2026_11_28_0110_actor_notes"
branch_labels = None
depends_on = None

# They run with the rights of their owner, so each names every object with its schema and searches no other one.
STATEMENTS = (
    """
    CREATE FUNCTION metrics.create_events_partition(day DATE) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS metrics.%I PARTITION OF metrics.events FOR VALUES FROM (%L) TO (%L)',
            'events_' || to_char(day, 'YYYYMMDD'),
            to_char(day, 'YYYY-MM-DD') || ' 00:00+00',
            to_char(day + 1, 'YYYY-MM-DD') || ' 00:00+00'
        );
    END
    $$
    """,
    """
    CREATE FUNCTION metrics.drop_events_partitions(before DATE) RETURNS SETOF TEXT
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
        partition TEXT;
    BEGIN
        FOR partition IN
            SELECT child.relname
            FROM pg_inherits
            JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = 'metrics.events'::regclass
                AND child.relname ~ '^events_[0-9]{8}$'
                AND child.relname < 'events_' || to_char(before, 'YYYYMMDD')
            ORDER BY child.relname
        LOOP
            EXECUTE format('DROP TABLE metrics.%I', partition);
            RETURN NEXT partition;
        END LOOP;
    END
    $$
    """,
    "REVOKE EXECUTE ON FUNCTION metrics.create_events_partition(DATE) FROM PUBLIC",
    "REVOKE EXECUTE ON FUNCTION metrics.drop_events_partitions(DATE) FROM PUBLIC",
)


def upgrade() -> None:
    """Create the functions; a service of the previous version, which owns the table, does not need them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in STATEMENTS:
        op.execute(statement)
