"""Make the tables of the backtest service and those of the job library."""

from alembic import op

revision = "2026_11_23_0400_backtest"
down_revision = "2026_11_23_0300_alerts"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE backtest.datasets (
        id VARCHAR(64) NOT NULL,
        symbol VARCHAR NOT NULL,
        bars BIGINT NOT NULL,
        interval_ms BIGINT NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        data_quality JSONB NOT NULL,
        content BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_datasets PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_datasets_created_at ON backtest.datasets (created_at, id)",
    """
    CREATE TABLE backtest.jobs (
        id VARCHAR(64) NOT NULL,
        dataset_id VARCHAR(64) NOT NULL,
        request JSONB NOT NULL,
        status VARCHAR NOT NULL,
        progress_ratio DOUBLE PRECISION DEFAULT 0 NOT NULL,
        attempts INTEGER DEFAULT 0 NOT NULL,
        cancel_requested BOOLEAN DEFAULT false NOT NULL,
        error VARCHAR,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_jobs PRIMARY KEY (id),
        CONSTRAINT fk_jobs_dataset_id FOREIGN KEY (dataset_id) REFERENCES backtest.datasets (id)
    )
    """,
    "CREATE INDEX ix_jobs_created_at ON backtest.jobs (created_at, id)",
    "CREATE INDEX ix_jobs_unfinished ON backtest.jobs (status) WHERE status IN ('queued', 'running')",
    """
    CREATE TABLE backtest.results (
        job_id VARCHAR(64) NOT NULL,
        sha256 VARCHAR(64) NOT NULL,
        document BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_results PRIMARY KEY (job_id),
        CONSTRAINT fk_results_job_id FOREIGN KEY (job_id) REFERENCES backtest.jobs (id)
    )
    """,
)


def upgrade() -> None:
    """Create the tables, then let the job library create its own in the same schema."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in TABLES:
        op.execute(statement)
    _create_queue()


def _create_queue() -> None:
    # The library's schema is the installed version's own, found by search_path, and that version is written next to
    # it. This is safe because the lock file pins the version and a test holds the installed schema against the pinned
    # one: a newer library comes with a migration of ours that applies the library's own steps after the version noted
    # here, and none where this database was made with it already.
    try:
        from importlib.metadata import version

        from procrastinate.schema import SchemaManager
    except ImportError as error:
        raise RuntimeError(
            "migrating needs the package procrastinate, whose tables the backtest service uses; "
            "migrate from an environment that has it: pip install 'seatrial[up]', or the image of the backtest service"
        ) from error
    connection = op.get_bind().connection.driver_connection
    assert connection is not None
    connection.execute("SET LOCAL search_path TO backtest")
    connection.execute(SchemaManager.get_schema())
    noted = f"procrastinate {version('procrastinate')}"
    connection.execute(f"COMMENT ON TABLE backtest.procrastinate_jobs IS '{noted}'")
    connection.execute("SET LOCAL search_path TO DEFAULT")
