"""The door to SQL: studies, trials, measurements and fronts in SQLite or PostgreSQL.

What a store promises stands in `trials.store.contract`, and so does its type, `Store`. No other
package knows of SQLAlchemy.
"""

from trials.store.contract import Store
from trials.store.leases import new_owner, renewed
from trials.store.store import SqlStore, open_store

__all__ = ["SqlStore", "Store", "new_owner", "open_store", "renewed"]
