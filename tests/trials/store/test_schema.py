"""The revisions make the tables that the models describe, with the indexes that reading needs."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from trials.records import TrialState
from trials.store import Store
from trials.store.tables import METADATA
from trials.store.upgrade import HEAD, VERSION_TABLE, alembic_config


def test_the_newest_revision_is_the_one_the_store_asks_for() -> None:
    """One line of revisions, ending at `HEAD`."""
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_revisions_make_what_the_models_describe(store: Store) -> None:
    """Nothing is left for Alembic to generate."""

    def differences(connection: Connection) -> list[Any]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        found: list[Any] = compare_metadata(context, METADATA)
        return found

    assert store.transactions.read(differences) == []


def test_all_tables_are_ours_by_name(store: Store) -> None:
    """So that Optuna's may live beside them."""
    assert all(name.startswith("kw_") for name in (*METADATA.tables, VERSION_TABLE))
    assert store.studies() == []


def test_the_views_say_what_the_store_says(store: Store, driver: Any) -> None:
    """For people with a SQL prompt."""
    driver.complete(0, 2000, 0.5)
    driver.begin(1, 3000)

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(r) for r in store.transactions.read(lambda c: c.execute(text(sql)).all())]

    assert rows("SELECT study, trial, state, accuracy FROM kw_trials_flat ORDER BY trial") == [
        ("study", 0, "complete", 0.5),
        ("study", 1, "running", None),
    ]
    assert rows("SELECT * FROM kw_current_front") == []
    assert rows("SELECT * FROM kw_hypervolume_history") == []


def test_the_front_views_follow_the_front(store: Store, driver: Any, make_front: Any) -> None:
    """The present front, and the hypervolume of each front that ever was."""
    driver.complete(0, 2000, 0.5, make_front((0,), 1.0))
    driver.complete(1, 1000, 0.25, make_front((1, 0), 1.5))

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(r) for r in store.transactions.read(lambda c: c.execute(text(sql)).all())]

    assert rows("SELECT place, trial, params FROM kw_current_front ORDER BY place") == [
        (0, 1, 1000),
        (1, 0, 2000),
    ]
    columns = "front, trial, hypervolume, smallest_params, reference_params, members"
    assert rows(f"SELECT {columns} FROM kw_hypervolume_history ORDER BY front") == [  # noqa: S608 - constants
        (0, 0, 1.0, 1000, 5000, 1),
        (1, 1, 1.5, 1000, 5000, 2),
    ]


@pytest.fixture
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that the store sends while the test runs."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        sent.append((sql, parameters))

    event.listen(store.transactions._engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.transactions._engine, "before_cursor_execute", note)


def test_reading_a_front_reads_indexes(
    store: Store, driver: Any, make_front: Any, statements: list[tuple[str, Any]]
) -> None:
    """On SQLite no plan of front, best, study, trial or a page of trials scans a table."""
    if not store.location.endswith(".db"):
        pytest.skip("PostgreSQL plans by statistics, which a small table has none of")
    driver.complete(0, 2000, 0.5, make_front((0,), 1.0))
    statements.clear()
    store.front("study", max_params=3000, min_accuracy=0.1)
    store.best("study", 3000)
    store.study("study")
    store.trial("study", 0)
    store.trials("study", limit=10, offset=5)
    store.trials("study", states=[TrialState.WAITING, TrialState.FAILED], limit=10)
    store.measurements("study", 0)
    asked = [(sql, given) for sql, given in statements if sql.startswith("SELECT")]
    assert len(asked) >= 10
    for sql, given in asked:
        plan = store.transactions.read(
            lambda c, s=sql, g=given: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", g).all()
        )
        steps = [step for *_, step in plan]
        assert not [step for step in steps if step.startswith("SCAN")], (sql, steps)
        assert "state = ?" not in sql or any("study_id=? AND state=?" in step for step in steps)
