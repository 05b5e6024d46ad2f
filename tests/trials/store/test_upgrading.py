"""Upgrades copy, migrate in one transaction, and can be run again."""

import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from trials.area import Area, Point, Scale
from trials.errors import DamagedDataError, StorageError
from trials.records import Decision, FullTraining, Role
from trials.store import open_store
from trials.store import upgrade as schema
from trials.store.check import check
from trials.store.merge import merge
from trials.store.tables import METADATA
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


SINCE_LATENCY = {name for name, revision in schema.SINCE.items() if revision > "0007"}
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
            plain = store.baselines(study.name), store.baseline_measurements(study.name)
            return study, trials, curves, fronts, files, plain, decided

    before = everything()
    assert (before[-1] == [{}] * len(before[1])) == (revision < "0003")
    assert (before[-2] == ([], [])) == (revision < "0004")
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


@pytest.mark.parametrize("revision", [revision for revision in OLD if revision < "0005"])
def test_hypervolumes_of_old_are_taken_anew_from_the_same_fronts(
    revision: str, folder: Path
) -> None:
    """Whether the database is read as it is, upgraded, or merged, from what it holds of fronts."""
    file = written_by(revision, folder)
    with sqlite3.connect(file) as raw:
        (low,) = raw.execute("SELECT min(params) FROM kw_trial").fetchone()
        members = raw.execute("SELECT * FROM kw_front_member ORDER BY 1, 2").fetchall()
        stored = [row[0] for row in raw.execute("SELECT hypervolume FROM kw_front ORDER BY number")]
    raw.close()

    def shown(url: str) -> tuple[Area, list[float], list[float]]:
        with open_store(url, read_only=True) as store:
            (study,) = store.studies()
            assert study == store.study(study.name)
            fronts, area = store.fronts(study.name), study.spec.area
            assert fronts[-1].hypervolume == study.hypervolume
            records = {record.number: record for record in store.trials(study.name)}
            assert all(records[f.trial].hypervolume == f.hypervolume for f in fronts)
            points = [
                [Point.of(records[n].trial.params, records[n].accuracy or 0, n) for n in f.members]
                for f in fronts
            ]
            linear = [area.hypervolume(front, Scale.LINEAR) for front in points]
            log = [area.hypervolume(front) for front in points]
            assert [front.hypervolume for front in fronts] == pytest.approx(log)
        return area, linear, log

    before = shown(file)
    area, linear, log = before
    assert area.low == low < area.high
    whole = area.high * (1 - area.floor)
    assert [share * whole for share in linear] == pytest.approx(stored)
    assert all(a < b < 1 for a, b in pairwise([0.0, *log]))
    assert [fault for fault in check(file) if "hypervolume" in fault] == []
    merge([file], into=str(folder / "merged.db"))
    upgrade(file)
    assert shown(file) == shown(str(folder / "merged.db")) == before
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT * FROM kw_front_member ORDER BY 1, 2").fetchall() == members
        said = "SELECT DISTINCT smallest_params FROM kw_hypervolume_history"
        assert raw.execute(said).fetchall() == [(low,)]
    raw.close()
    assert [fault for fault in check(file) if "hypervolume" in fault] == []


@pytest.mark.parametrize("revision", [r for r in OLD if "0004" <= r < "0006"])
def test_baselines_from_before_audits_stay_and_audits_follow_them(
    revision: str, folder: Path
) -> None:
    """Merged from the old file, or upgraded and added to."""
    file = written_by(revision, folder)
    with open_store(file, read_only=True) as store:
        (study,) = store.studies()
        before = store.baselines(study.name)
        trial = store.trials(study.name)[0].trial
    assert before
    assert {one.baseline.schedule_epochs for one in before} == {None}
    assert ("repeat" in {one.baseline.role for one in before}) == (revision == "0005")
    merge([file], into=str(folder / "merged.db"))
    upgrade(file)
    with open_store(file) as store:
        assert store.baselines(study.name) == before
        audit = replace(
            before[0].baseline,
            number=len(before),
            role=Role.AUDIT,
            params=trial.params,
            macs=trial.macs,
            cost=trial.cost,
            seed=99,
            attempt=0,
            repeats=trial,
            schedule_epochs=10,
        )
        store.add_baselines(study.name, [audit])
        assert store.baselines(study.name)[-1].baseline.repeats == trial
        said = "SELECT schedule_epochs FROM kw_baselines_flat WHERE role = 'audit'"
        assert store.transactions.read(lambda c: c.exec_driver_sql(said).all()) == [(10,)]
    with open_store(str(folder / "merged.db"), read_only=True) as store:
        assert [r.baseline for r in store.baselines(study.name)] == [r.baseline for r in before]


def test_full_trainings_from_before_detectors_stay_and_others_follow_them(folder: Path) -> None:
    """Read as it is, merged from the old file, or upgraded; a second merge adds nothing."""
    file, merged = written_by("0008", folder), str(folder / "merged.db")

    def trainings(url: str) -> list[FullTraining]:
        with open_store(url, read_only=True) as store:
            (study,) = store.studies()
            numbers = [record.number for record in store.trials(study.name)]
            return [one for number in numbers for one in store.trainings(study.name, number)]

    (before,) = trainings(file)
    assert (before.quality, before.detector, before.further) == ("accuracy", None, {})
    merge([file], into=merged)
    merge([file], into=merged)
    assert trainings(merged) == [before]
    assert upgrade(file).before == "0008"
    assert trainings(file) == [before]
    of_detector = replace(before, quality="map", detector="mask-rcnn")
    with open_store(file) as store:
        store.add_training("old", 0, of_detector)
    merge([file], into=merged)
    merge([file], into=merged)
    assert {one.detector for one in trainings(merged)} == {None, "mask-rcnn"}
    assert len(trainings(merged)) == 2
    assert [fault for fault in check(merged) if "No such file" not in fault] == []


def test_a_server_of_the_revision_before_latency_is_upgraded(
    folder: Path, new_postgresql_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was there stays, has no latency, and goes on to be compared by parameters."""
    file, url = written_by("0007", folder), new_postgresql_database()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0007")
        with open_store(url) as store, open_store(file, read_only=True) as old:
            for table in METADATA.sorted_tables:
                there = [c for c in table.columns if f"{table.name}.{c.name}" not in SINCE_LATENCY]
                query = select(*there)
                rows = old.transactions.read(lambda c, q=query: c.execute(q).mappings().all())
                if rows:
                    given = [dict(row) for row in rows]
                    store.transactions.write(
                        lambda c, t=table, g=given: c.execute(insert(t).inline(), g) and None
                    )
    assert upgrade(url, backup=False).before == "0007"
    with open_store(url) as store, open_store(file, read_only=True) as old:
        (study,) = old.studies()
        assert [r.trial for r in store.trials(study.name)] == [
            r.trial for r in old.trials(study.name)
        ]
        assert {r.trial.latency for r in store.trials(study.name)} == {None}
        assert [b.baseline for b in store.baselines(study.name)] == [
            b.baseline for b in old.baselines(study.name)
        ]
        said = "SELECT count(*) FROM kw_trials_flat WHERE cost = params AND latency IS NULL"
        assert store.transactions.read(lambda c: c.exec_driver_sql(said).scalar()) == len(
            store.trials(study.name)
        )


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
