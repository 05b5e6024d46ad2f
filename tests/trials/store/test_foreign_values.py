"""SQLite keeps text where a number belongs: such rows are damage, whoever put them there."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kwsearch.problems import promotion_of
from reports.page import render
from reports.summary import summarise
from trials.errors import DamagedDataError, LostDatabaseError
from trials.store import Store, open_store

VALUES = ("<b>x", b"\xff\xfe", "[]", float("inf"), -1, 2**62)


@pytest.fixture
def file(folder: Path, make_driver: Any) -> Path:
    """A database with a small study in it."""
    path = folder / "kw.db"
    with open_store(path) as store:
        driver = make_driver(store)
        driver.create()
        for number in range(3):
            driver.complete(number, 1000 + number, 0.5 + number / 10)
    return path


def changed(file: Path, step: int) -> Iterator[tuple[str, Path]]:
    """Copies of the database, each with a foreign value in one of every ``step`` columns."""
    raw = sqlite3.connect(file)
    names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'kw%'")
    tables = sorted(name for (name,) in names if name != "kw_alembic_version")
    columns = [(t, row[1]) for t in tables for row in raw.execute(f"PRAGMA table_info({t})")]
    raw.close()
    copy = file.with_name("changed.db")
    for place, (table, column) in enumerate(columns[::step]):
        value = VALUES[place % len(VALUES)]
        shutil.copyfile(file, copy)
        other = sqlite3.connect(copy)
        other.execute("PRAGMA ignore_check_constraints = ON")
        with suppress(sqlite3.IntegrityError), other:  # some columns take one kind of value alone
            other.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608 - names of ours
        other.close()
        yield f"{table}.{column} = {value!r}", copy


def read(store: Store, name: str) -> None:
    """Everything that a report reads."""
    store.studies()
    store.trials(name)
    store.measurements(name)
    store.fronts(name)
    list(store.history(name))


def ends_as_it_may(file: Path, name: str, ask: Any, step: int = 1) -> int:
    """How many of the changed databases are refused; whatever else is raised is a fault."""
    refused = 0
    for what, copy in changed(file, step):
        try:
            with open_store(copy, create=False, read_only=True) as store:
                if name in {study.name for study in store.studies()}:
                    ask(store, name)
        except (DamagedDataError, LostDatabaseError):
            refused += 1
        except Exception as error:
            raise AssertionError(what) from error
    return refused


def test_foreign_values_are_damage_and_no_other_error(file: Path) -> None:
    with open_store(file, read_only=True) as store:
        (study,) = store.studies()
    assert ends_as_it_may(file, study.name, read, step=5) > 3


@pytest.mark.fault
def test_a_report_of_foreign_values_is_written_or_refused(file: Path) -> None:
    """What is let in can be shown."""

    def page(store: Store, name: str) -> None:
        render(summarise(store, name, promotion_of), study_file=None)

    with open_store(file, read_only=True) as store:
        (study,) = store.studies()
    assert ends_as_it_may(file, study.name, page) > 20
