"""What Alembic runs around the revisions; the store hands over a connection in a transaction."""

from alembic import context

from trials.store.tables import METADATA
from trials.store.upgrade import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
