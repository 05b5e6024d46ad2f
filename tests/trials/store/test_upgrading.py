"""Upgrades copy, migrate in one transaction, and can be run again."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trials.errors import DamagedDataError, StorageError
from trials.records import Decision
from trials.store import open_store
from trials.store import upgrade as schema
from trials.store.check import check
from trials.store.upgrade import upgrade

SHIPPED = schema.MIGRATIONS
HEAD = schema.HEAD
AFTER = f"{int(HEAD) + 1:04}"
NEXT = '''
from alembic import op

revision = "{next}"
down_revision = "{head}"


def upgrade():
    """Two steps; the second may fail."""
    op.execute("CREATE TABLE kw_new (id INTEGER)")
    op.execute("{step}")
'''


@pytest.fixture
def next_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Call it to go on as the next version of kwsearch, which has one revision more."""

    def go(step: str = "INSERT INTO kw_new VALUES (1)") -> None:
        revisions = folder / "migrations"
        shutil.copytree(SHIPPED, revisions, dirs_exist_ok=True)
        text = NEXT.replace("{step}", step).replace("{next}", AFTER).replace("{head}", HEAD)
        (revisions / "versions" / f"{AFTER}_next.py").write_text(text)
        monkeypatch.setattr(schema, "MIGRATIONS", revisions)
        monkeypatch.setattr(schema, "HEAD", AFTER)

    return go


def test_the_present_schema_needs_nothing(url: str, make_study: Any) -> None:
    """No copy is made."""
    with open_store(url) as store:
        store.create_study(make_study())
    done = upgrade(url)
    assert (done.before, done.after, done.copy) == (schema.HEAD, schema.HEAD, None)


def test_an_older_schema_is_upgraded_and_used(
    url: str, make_driver: Any, next_version: Callable[..., None]
) -> None:
    """What was there stays; on SQLite a copy of before is kept beside the file."""
    with open_store(url) as store:
        driver = make_driver(store)
        driver.create()
        driver.complete(0, 1000, 0.5)
    next_version()
    with pytest.raises(StorageError, match="kwsearch database upgrade"):
        open_store(url)
    done = upgrade(url, backup=url.startswith("sqlite"))
    assert (done.before, done.after) == (HEAD, AFTER)
    with open_store(url) as store:
        make_driver(store).begin(1)
        assert len(store.trials("study")) == 2
    if url.startswith("sqlite"):
        assert done.copy is not None
        with sqlite3.connect(done.copy) as copy:
            version = copy.execute("SELECT version_num FROM kw_alembic_version").fetchone()
            trials = copy.execute("SELECT count(*) FROM kw_trial").fetchone()
        copy.close()
        assert (version, trials) == ((HEAD,), (1,))


OLD = sorted(path.stem for path in (Path(__file__).parent / "schemas").glob("*.sql"))
"""Revisions of which a database is kept, as that version of kwsearch wrote it."""


def written_by(revision: str, folder: Path) -> str:
    """A database file of an older revision."""
    file = folder / f"{revision}.db"
    with sqlite3.connect(file) as raw:
        raw.executescript((Path(__file__).parent / "schemas" / f"{revision}.sql").read_text())
    raw.close()
    return str(file)


def test_a_database_of_every_older_revision_is_kept() -> None:
    """So that no revision goes untested."""
    assert [f"{number:04}" for number in range(1, int(HEAD))] == OLD


@pytest.mark.parametrize("revision", OLD)
def test_a_database_of_an_older_version_is_read_upgraded_and_searched_on(
    revision: str, folder: Path
) -> None:
    """Nothing measured changes; the checker misses nothing but the weights, which lie elsewhere."""
    url = written_by(revision, folder)

    def everything() -> Any:
        with open_store(url, read_only=True) as store:
            (study,) = store.studies()
            trials, curves = store.trials(study.name), store.measurements(study.name)
            files, fronts = store.files(study.name), store.fronts(study.name)
            decided = [store.decisions(study.name, trial.number) for trial in trials]
            return study, trials, curves, fronts, files, decided

    before = everything()
    assert before[-1] == [{}] * len(before[1])
    assert upgrade(url).before == revision
    assert everything() == before
    study, trials, curves = before[:3]
    with open_store(url) as store:
        rungs = study.spec.settings["proxy"]["epochs"]
        entries = store.rung(study.name, rungs[0], 99)
        ended = {trial.number: trial.epochs > rungs[0] for trial in trials if trial.epochs}
        assert {entry.number: entry.went_on for entry in entries} == ended
        assert set(ended.values()) == {True, False}
        store.set_trials(study.name, len(trials) + 1)
        again = replace(trials[0].trial, number=len(trials), digest="0" * 64)
        store.begin(again, {}, {}, {})
        decision = Decision(goes_on=False, reason="Rank 9 of 9.")
        store.measure(study.name, again.number, 1, curves[0][1], decision)
        assert store.decisions(study.name, again.number) == {curves[0][1].epoch: decision}
        assert len(store.rung(study.name, rungs[0], 99)) == len(entries) + 1
    faults = check(url)
    assert [fault for fault in faults if "No such file" not in fault and "lease" not in fault] == []


def test_a_failed_upgrade_changes_nothing_and_can_be_run_again(
    url: str, make_study: Any, next_version: Callable[..., None]
) -> None:
    """The table of the first step is gone with the second."""
    with open_store(url) as store:
        store.create_study(make_study())
    next_version("INSERT INTO nowhere VALUES (1)")
    with pytest.raises(StorageError):
        upgrade(url, backup=False)
    with open_store(url, read_only=True) as store:
        assert store.study("study").spec.seed == 3
        versions = store.transactions.read(schema.current)
        assert versions == HEAD
    next_version()
    assert upgrade(url, backup=False).after == AFTER


def test_of_two_upgrades_at_once_one_does_the_work(
    url: str, make_study: Any, next_version: Callable[..., None]
) -> None:
    """Both succeed."""
    with open_store(url) as store:
        store.create_study(make_study())
    next_version()
    done: list[Any] = []
    threads = [
        threading.Thread(target=lambda: done.append(upgrade(url, backup=False))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [d.after for d in done] == [AFTER, AFTER]
    with open_store(url) as store:
        rows = store.transactions.read(lambda c: c.exec_driver_sql("SELECT id FROM kw_new").all())
    assert len(rows) == 1


def test_a_server_is_copied_by_its_own_tool(
    new_postgresql_database: Callable[[], str], make_study: Any, next_version: Callable[..., None]
) -> None:
    """Until that is said to be done, nothing is upgraded; the cure is the command."""
    url = new_postgresql_database()
    with open_store(url) as store:
        store.create_study(make_study())
    next_version()
    with pytest.raises(StorageError, match=HEAD) as caught:
        upgrade(url)
    assert "pg_dump" in caught.value.cure
    assert "--no-backup" in caught.value.cure
    with open_store(url, read_only=True) as store:
        assert store.transactions.read(schema.current) == HEAD


def test_a_copy_cut_off_by_a_kill_is_in_nobodys_way(
    folder: Path, make_study: Any, next_version: Callable[..., None]
) -> None:
    """The next upgrade writes it anew."""
    file = folder / "kw.db"
    with open_store(file) as store:
        store.create_study(make_study())
    (folder / f"kw.db.{HEAD}.backup.part").write_bytes(b"half a copy")
    next_version()
    done = upgrade(str(file))
    assert done.copy == folder / f"kw.db.{HEAD}.backup"
    assert not (folder / f"kw.db.{HEAD}.backup.part").exists()
    assert check(str(done.copy)) == []


def test_a_newer_schema_is_not_upgraded(url: str) -> None:
    """Nor one that is not there."""
    with open_store(url) as store:
        change = "UPDATE kw_alembic_version SET version_num = '9999'"
        store.transactions.write(lambda c: c.exec_driver_sql(change))
    with pytest.raises(StorageError, match="9999"):
        upgrade(url)
    with open_store(url, read_only=True) as store:
        assert store.studies() == []


def test_an_empty_database_is_not_upgraded(new_postgresql_database: Callable[[], str]) -> None:
    """Creating is not upgrading."""
    with pytest.raises(DamagedDataError):
        upgrade(new_postgresql_database())
