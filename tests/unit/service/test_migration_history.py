"""The migration history has one head, dated names, and a lock timeout first."""

import re

from alembic.script import ScriptDirectory

from seatrial_service.db import upgrade


def test_there_is_exactly_one_head() -> None:
    assert upgrade.head().startswith("20")


def test_every_migration_is_dated_and_sets_a_lock_timeout_first() -> None:
    for revision in ScriptDirectory.from_config(upgrade.config()).walk_revisions():
        source = (upgrade.migrations_folder() / "versions" / f"{revision.revision}.py").read_text()

        assert re.fullmatch(r"20\d\d_\d\d_\d\d_\d{4}_[a-z_]+", revision.revision)
        statements = re.findall(r"op\.\w+\((?:\s*\"[^\"]*\")?", source[source.index("def upgrade") :])
        assert "lock_timeout" in statements[0], revision.revision
