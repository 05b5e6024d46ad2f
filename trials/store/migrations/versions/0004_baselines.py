"""Plain networks that a study measures beside its trials."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Two tables more, and a view; studies that are there measure no plain network."""
    states = "'waiting', 'running', 'complete', 'stopped', 'failed'"
    op.create_table(
        "kw_baseline",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("study_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("backbone", sa.JSON),
        sa.Column("params", sa.BigInteger, nullable=False),
        sa.Column("macs", sa.BigInteger, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("measured_by", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("worker", sa.Text),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Double),
        sa.Column("accuracy_error", sa.Double),
        sa.Column("loss", sa.Double),
        sa.Column("images", sa.Integer),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_kw_baseline"),
        sa.ForeignKeyConstraint(["study_id"], ["kw_study.id"], name="fk_kw_baseline_study_id"),
        sa.UniqueConstraint("study_id", "number", name="uq_kw_baseline_study_id_number"),
        sa.UniqueConstraint(
            "study_id", "digest", "seed", name="uq_kw_baseline_study_id_digest_seed"
        ),
        sa.CheckConstraint(f"state IN ({states})", name="ck_kw_baseline_state"),
        sa.CheckConstraint("attempt >= 0", name="ck_kw_baseline_attempt"),
    )
    op.create_table(
        "kw_baseline_measurement",
        sa.Column("baseline_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Double, nullable=False),
        sa.Column("accuracy_error", sa.Double, nullable=False),
        sa.Column("loss", sa.Double, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("measured_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("baseline_id", "epoch", name="pk_kw_baseline_measurement"),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["kw_baseline.id"], name="fk_kw_baseline_measurement_baseline_id"
        ),
        sqlite_with_rowid=False,
    )
    op.execute(f"CREATE VIEW kw_baselines_flat AS {VIEW}")


# One row a training of a plain network, with its last measurement.
VIEW = """
    SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs, b.seed,
           b.state, b.cause, b.detail, b.epochs, b.accuracy, b.accuracy_error, b.loss, b.images,
           b.seconds, b.attempt, b.worker, b.finished_at
    FROM kw_study s
    JOIN kw_baseline b ON b.study_id = s.id
    """
