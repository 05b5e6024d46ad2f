"""Full trainings of detectors: which one, what its quality is called, and values beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Columns more; what is there are trainings of the network itself, by accuracy."""
    for column in ("quality", "detector"):
        op.add_column("kw_training", sa.Column(column, sa.Text))
    op.add_column("kw_training", sa.Column("further", sa.JSON))
