"""The door to SQL: studies, trials, measurements and fronts in SQLite or PostgreSQL.

What a store promises stands in `trials.store.contract`. No other package knows of SQLAlchemy.
"""

from trials.store.heartbeat import renewed
from trials.store.store import Store, open_store

__all__ = ["Store", "open_store", "renewed"]
