"""Hypervolume is the mean height of the front over log-parameters, as a share.

Fronts stay as they are; the hypervolume of each is taken anew from its members.
"""

import sqlalchemy as sa
from alembic import op

from trials.store.older import area, hypervolumes

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One column more, in a view too, and other numbers in one."""
    smallest = sa.Column("smallest_params", sa.BigInteger, nullable=False, server_default="1")
    op.add_column("kw_study", smallest)
    connection = op.get_bind()
    for study in connection.scalars(sa.text("SELECT id FROM kw_study")).all():
        found = {"low": area(connection, study).low, "study": study}
        connection.execute(
            sa.text("UPDATE kw_study SET smallest_params = :low WHERE id = :study"), found
        )
        for front, hypervolume in hypervolumes(connection, study).items():
            connection.execute(
                sa.text("UPDATE kw_front SET hypervolume = :hypervolume WHERE id = :front"),
                {"hypervolume": hypervolume, "front": front},
            )
    op.execute("DROP VIEW kw_hypervolume_history")
    op.execute(f"CREATE VIEW kw_hypervolume_history AS {VIEW}")


# One row a front that ever was, with the ends of what its hypervolume is a share of.
VIEW = """
    SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, s.smallest_params,
           f.reference_params, f.reference_accuracy, f.created_at,
           (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
    FROM kw_study s
    JOIN kw_front f ON f.study_id = s.id
    """
