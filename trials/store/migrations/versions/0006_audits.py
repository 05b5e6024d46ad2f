"""Audits: networks of trials that are trained to a longer schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column more, in a view too; nothing that is there was an audit."""
    op.add_column("kw_baseline", sa.Column("schedule_epochs", sa.Integer))
    op.execute("DROP VIEW kw_baselines_flat")
    op.execute(f"CREATE VIEW kw_baselines_flat AS {VIEW}")


# One row a training of a network that is no trial, with its last measurement.
VIEW = """
    SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs, b.seed,
           b.state, b.cause, b.detail, b.schedule_epochs, b.epochs, b.accuracy, b.accuracy_error,
           b.loss, b.images, b.seconds, b.attempt, b.worker, b.finished_at
    FROM kw_study s
    JOIN kw_baseline b ON b.study_id = s.id
    """
