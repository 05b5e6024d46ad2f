"""Latency of networks, and what the front of a study is over."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns more, in the views too; nothing that is there has a latency, or another cost."""
    for table in ("kw_trial", "kw_baseline"):
        for name in ("latency", "latency_low", "latency_high"):
            op.add_column(table, sa.Column(name, sa.Double))
        op.add_column(table, sa.Column("hardware", sa.Text))
        op.add_column(table, sa.Column("cost", sa.BigInteger))
    for name in ("over_latency", "under_latency"):
        counted = sa.Column(name, sa.Integer, nullable=False, server_default="0")
        op.add_column("kw_tally", counted)
    for name, query in VIEWS.items():
        op.execute(f"DROP VIEW {name}")
        op.execute(f"CREATE VIEW {name} AS {query}")


# One row a trial, and one a training of a network that is no trial, with its last measurement.
VIEWS = {
    "kw_trials_flat": """
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.latency, t.latency_low, t.latency_high, t.hardware,
               coalesce(t.cost, t.params) AS cost, t.epochs, t.accuracy, t.accuracy_error, t.loss,
               t.seconds, t.attempt, t.worker, t.started_at, t.finished_at,
               t.place AS finished_as, f.hypervolume, t.digest, t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id
        """,
    "kw_baselines_flat": """
        SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs,
               b.latency, b.latency_low, b.latency_high, b.hardware,
               coalesce(b.cost, b.params) AS cost, b.seed, b.state, b.cause, b.detail,
               b.schedule_epochs, b.epochs, b.accuracy, b.accuracy_error, b.loss, b.images,
               b.seconds, b.attempt, b.worker, b.finished_at
        FROM kw_study s
        JOIN kw_baseline b ON b.study_id = s.id
        """,
}
