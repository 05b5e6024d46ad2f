"""Weights that are kept of members of the front, and what full trainings reached."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables more."""
    op.create_table(
        "kw_file",
        sa.Column("trial_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("trial_id", name="pk_kw_file"),
        sa.ForeignKeyConstraint(["trial_id"], ["kw_trial.id"], name="fk_kw_file_trial_id"),
    )
    op.create_table(
        "kw_training",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("trial_id", sa.Integer, nullable=False),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("accuracy", sa.Double, nullable=False),
        sa.Column("accuracy_error", sa.Double, nullable=False),
        sa.Column("loss", sa.Double, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kw_training"),
        sa.ForeignKeyConstraint(["trial_id"], ["kw_trial.id"], name="fk_kw_training_trial_id"),
    )
    op.create_index("ix_kw_training_trial_id", "kw_training", ["trial_id"])
