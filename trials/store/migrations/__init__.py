"""Alembic revisions; they travel inside the package, so that every installation can upgrade."""
