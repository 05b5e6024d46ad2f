"""The first schema: studies, their tallies, trials, measurements, fronts, and three views."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create all of it."""
    _studies()
    _fronts()
    _trials()
    _of_trials()
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _studies() -> None:
    op.create_table(
        "kw_study",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("backbone", sa.JSON, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("trials", sa.Integer, nullable=False),
        sa.Column("reference_params", sa.BigInteger, nullable=False),
        sa.Column("reference_accuracy", sa.Double, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_kw_study"),
        sa.UniqueConstraint("name", name="uq_kw_study_name"),
    )


def _fronts() -> None:
    op.create_table(
        "kw_front",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("study_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("trial", sa.Integer, nullable=False),
        sa.Column("hypervolume", sa.Double, nullable=False),
        sa.Column("reference_params", sa.BigInteger, nullable=False),
        sa.Column("reference_accuracy", sa.Double, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kw_front"),
        sa.ForeignKeyConstraint(["study_id"], ["kw_study.id"], name="fk_kw_front_study_id"),
        sa.UniqueConstraint("study_id", "number", name="uq_kw_front_study_id_number"),
    )
    counts = ("waiting", "running", "complete", "stopped", "failed")
    refusals = ("infeasible", "over_budget", "under_budget", "known")
    op.create_table(
        "kw_tally",
        sa.Column("study_id", sa.Integer, nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in (*counts, *refusals)),
        sa.Column("epochs", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("front_id", sa.Integer),
        sa.Column("unit", sa.String(32)),
        sa.PrimaryKeyConstraint("study_id", name="pk_kw_tally"),
        sa.ForeignKeyConstraint(["study_id"], ["kw_study.id"], name="fk_kw_tally_study_id"),
        sa.ForeignKeyConstraint(["front_id"], ["kw_front.id"], name="fk_kw_tally_front_id"),
    )


def _trials() -> None:
    states = "'waiting', 'running', 'complete', 'stopped', 'failed'"
    op.create_table(
        "kw_trial",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("study_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("params", sa.BigInteger, nullable=False),
        sa.Column("macs", sa.BigInteger, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("choices", sa.JSON, nullable=False),
        sa.Column("sampler_state", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("worker", sa.Text),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Double),
        sa.Column("accuracy_error", sa.Double),
        sa.Column("loss", sa.Double),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("place", sa.Integer),
        sa.Column("front_id", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_kw_trial"),
        sa.ForeignKeyConstraint(["study_id"], ["kw_study.id"], name="fk_kw_trial_study_id"),
        sa.ForeignKeyConstraint(["front_id"], ["kw_front.id"], name="fk_kw_trial_front_id"),
        sa.UniqueConstraint("study_id", "number", name="uq_kw_trial_study_id_number"),
        sa.UniqueConstraint("study_id", "digest", name="uq_kw_trial_study_id_digest"),
        sa.CheckConstraint(f"state IN ({states})", name="ck_kw_trial_state"),
        sa.CheckConstraint("attempt >= 1", name="ck_kw_trial_attempt"),
    )
    op.create_index(
        "ix_kw_trial_study_id_state_number", "kw_trial", ["study_id", "state", "number"]
    )


def _of_trials() -> None:
    op.create_table(
        "kw_measurement",
        sa.Column("trial_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Double, nullable=False),
        sa.Column("accuracy_error", sa.Double, nullable=False),
        sa.Column("loss", sa.Double, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("measured_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("trial_id", "epoch", name="pk_kw_measurement"),
        sa.ForeignKeyConstraint(["trial_id"], ["kw_trial.id"], name="fk_kw_measurement_trial_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kw_front_member",
        sa.Column("front_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("trial_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("front_id", "place", name="pk_kw_front_member"),
        sa.ForeignKeyConstraint(["front_id"], ["kw_front.id"], name="fk_kw_front_member_front_id"),
        sa.ForeignKeyConstraint(["trial_id"], ["kw_trial.id"], name="fk_kw_front_member_trial_id"),
        sqlite_with_rowid=False,
    )


VIEWS = {
    # The present front of every study, smallest network first.
    "kw_current_front": """
        SELECT s.name AS study, m.place, t.number AS trial, t.params, t.macs, t.accuracy,
               t.accuracy_error, t.digest, t.config
        FROM kw_study s
        JOIN kw_tally y ON y.study_id = s.id
        JOIN kw_front_member m ON m.front_id = y.front_id
        JOIN kw_trial t ON t.id = m.trial_id
        """,
    # One row a trial, with its last measurement and the hypervolume of the front after it.
    "kw_trials_flat": """
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.epochs, t.accuracy, t.accuracy_error, t.loss, t.seconds, t.attempt, t.worker,
               t.started_at, t.finished_at, t.place AS finished_as, f.hypervolume, t.digest,
               t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id
        """,
    # One row a front that ever was, with the point from which its hypervolume is measured.
    "kw_hypervolume_history": """
        SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, f.reference_params,
               f.reference_accuracy, f.created_at,
               (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
        FROM kw_study s
        JOIN kw_front f ON f.study_id = s.id
        """,
}
