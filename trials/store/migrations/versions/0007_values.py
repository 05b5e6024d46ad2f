"""Values by name beside the quality that counts."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column more of two tables, and a view; what is there keeps its one value."""
    for table in ("kw_measurement", "kw_baseline_measurement"):
        op.add_column(table, sa.Column("further", sa.JSON))
    server = op.get_bind().dialect.name == "postgresql"
    op.execute(f"CREATE VIEW kw_values AS {VIEW.format(**(SERVER if server else FILE))}")


# The name under which the quality of a study goes, and where older studies have it.
FILE = {
    "name": """coalesce(json_extract(s.settings, '$.objective.quality'),
                    json_extract(s.settings, '$.task.quality'),
                    json_extract(s.settings, '$.proxy.quality'), 'accuracy')""",
    "value": "json_extract(j.value, '$[0]')",
    "error": "json_extract(j.value, '$[1]')",
    "each": "json_each(m.further) j",
}
SERVER = {
    "name": """coalesce(s.settings #>> '{objective,quality}', s.settings #>> '{task,quality}',
                    s.settings #>> '{proxy,quality}', 'accuracy')""",
    "value": "(j.value ->> 0)::double precision",
    "error": "(j.value ->> 1)::double precision",
    "each": "json_each(m.further) j",
}

# One row a trial, epoch and value: the quality first, then all that was reported beside it.
VIEW = """
    SELECT s.name AS study, t.number AS trial, m.epoch, {name} AS name, m.accuracy AS value,
           m.accuracy_error AS error
    FROM kw_study s
    JOIN kw_trial t ON t.study_id = s.id
    JOIN kw_measurement m ON m.trial_id = t.id
    UNION ALL
    SELECT s.name, t.number, m.epoch, j.key, {value}, {error}
    FROM kw_study s
    JOIN kw_trial t ON t.study_id = s.id
    JOIN kw_measurement m ON m.trial_id = t.id
    CROSS JOIN {each}
    WHERE m.further IS NOT NULL
    """
