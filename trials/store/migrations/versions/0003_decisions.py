"""What promotion decided on a measurement, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns more; what was measured before says nothing of them."""
    op.add_column("kw_measurement", sa.Column("goes_on", sa.Boolean, nullable=True))
    op.add_column("kw_measurement", sa.Column("reason", sa.Text, nullable=True))
