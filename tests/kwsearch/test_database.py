"""`kwsearch database`: a database is checked, upgraded and merged from the command line."""

import json
import os
import sqlite3
from math import log

import pytest
from typer.testing import CliRunner

from kwsearch import driving, housekeeping
from kwsearch.cli import app
from kwsearch.presets import preset
from kwsearch.settings import from_plain, to_plain
from search_spaces import InputError, NetworkConfig
from search_spaces.backbones import shipped
from trials.checkpoints import Checkpoints
from trials.errors import StudyBusyError
from trials.files import file_sha256
from trials.records import FrontUpdate, Measurement, NewStudy, Outcome, Trial, TrialState
from trials.store import open_store
from trials.store import upgrade as schema
from trials.store.check import check

CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")


def run(*words):
    return CliRunner().invoke(app, ["database", *map(str, words)])


def write(database, name="first", trials=2, seed=0):
    """A study of so many complete trials, each larger and better than the one before."""
    with open_store(str(database)) as store:
        settings = {"name": name, "proxy": {"epochs": [1]}}
        table = shipped("resnet8", num_classes=10)
        store.create_study(NewStudy(name, settings, table, seed, 9, 1_000, 50_000, 0.1))
        area = 0.0
        for number in range(trials):
            params, accuracy = 10_000 * (number + 1), 0.25 + number / 8
            trial = Trial(name, number, CONFIG, f"{number:064x}", params, 10, 1)
            store.begin(trial, {}, {}, {})
            store.measure(name, number, 1, Measurement(1, accuracy, 0.01, 1.0, 100, 2.0))
            higher = accuracy - 0.1 if number == 0 else 0.125
            area += log(50_000 / params) * higher
            update = FrontUpdate(tuple(range(number + 1)), area / (log(50) * 0.9))
            store.finish(name, number, Outcome(TrialState.COMPLETE), update)


@pytest.fixture
def database(quick_path):
    """A database of two studies."""
    file = quick_path / "kw.db"
    write(file)
    write(file, "second", trials=3)
    return file


def damage(database):
    with sqlite3.connect(database) as raw:
        raw.execute("UPDATE kw_tally SET failed = 3 WHERE study_id = 2")
    raw.close()


def test_a_sound_database_is_said_to_be_and_what_was_looked_at(database):
    ended = run("check", "--database", database)
    assert (ended.exit_code, "Nothing was found" in ended.stderr) == (0, True)
    found = json.loads(run("check", "second", "--json", "--database", database).stdout)
    counted = [found[key] for key in ("studies", "trials", "measurements", "fronts", "faults")]
    assert counted == [1, 3, 3, 3, []]


def test_faults_are_listed_and_end_with_7(database):
    damage(database)
    ended = run("check", "--database", database)
    assert ended.exit_code == 7
    assert "study 'second' counts 3 failed; there are 0" in ended.stdout
    assert len(ended.stderr.strip().splitlines()) == 2
    ended = run("check", "--json", "--database", database)
    assert ended.exit_code == 7
    assert json.loads(ended.stdout)["faults"] == ["study 'second' counts 3 failed; there are 0"]
    assert run("check", "first", "--database", database).exit_code == 0


def test_a_study_that_is_not_there_cannot_be_checked(database):
    ended = run("check", "secnd", "--database", database)
    assert (ended.exit_code, "second" in ended.stderr) == (2, True)


def test_a_database_of_the_present_schema_is_left_as_it_is(database):
    before = database.read_bytes()
    done = json.loads(run("upgrade", "--json", "--database", database).stdout)
    assert done == {
        "database": str(database),
        "before": schema.HEAD,
        "after": schema.HEAD,
        "copy": None,
    }
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database]


@pytest.mark.parametrize("verb", ["check", "upgrade"])
def test_a_database_that_is_not_there_ends_with_3_and_is_not_made(quick_path, verb):
    ended = run(verb, "--database", quick_path / "none.db")
    assert ended.exit_code == 3
    assert list(quick_path.iterdir()) == []


def test_another_database_is_taken_in(database, quick_path):
    other = quick_path / "other.db"
    write(other, "third", trials=3)
    write(other, "first", trials=4)
    words = ("merge", other, "--rename", "third=3rd", "--database", database)
    done = json.loads(run(*words, "--json").stdout)
    assert [(row["study"], row["way"], row["new_trials"]) for row in done] == [
        ("3rd", "copied", 3),
        ("first", "united", 2),
    ]
    assert "nothing new" in run(*words).stdout
    found = json.loads(run("check", "--json", "--database", database).stdout)
    assert (found["studies"], found["trials"], found["faults"]) == (3, 10, [])


def test_a_study_of_another_seed_is_refused_with_the_cure(database, quick_path):
    other = quick_path / "other.db"
    write(other, seed=1)
    ended = run("merge", other, "--database", database)
    assert ended.exit_code == 2
    assert "differ in seed" in ended.stderr
    assert "--rename first=first-2" in ended.stderr


@pytest.mark.parametrize("rename", ["first", "first=", "=x", "first=../x"])
def test_a_renaming_has_two_names(database, rename):
    words = ("merge", database, "--rename", rename, "--database", database)
    assert run(*words).exit_code == 2


def left(folder, name, database):
    """Files as a search of the study leaves them in the runs folder."""
    with open_store(str(database)) as store:
        place = Checkpoints.of(store.study(name), folder).subfolder
        files = {f"{place}/{n}-1.safetensors": f"{name} {n}" for n in range(2)}
        files |= {f"{name}/report.html": "report", f"{name}/notes.txt": "a person's own"}
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        insert = "INSERT INTO kw_file (trial_id, path, sha256, bytes) VALUES (?, ?, ?, ?)"
        for number in range(2):
            path = f"{place}/{number}-1.safetensors"
            row = (number + 1, path, file_sha256(folder / path), 7)
            store.transactions.write(lambda c, r=row: c.exec_driver_sql(insert, r))


@pytest.fixture
def runs(database, quick_path, monkeypatch):
    """The runs folder, in the current one, with what the study ``first`` has left there."""
    monkeypatch.chdir(quick_path)
    left(quick_path / "runs", "first", database)
    return quick_path / "runs"


def found(runs):
    return sorted(path.relative_to(runs).as_posix() for path in runs.rglob("*") if path.is_file())


def test_a_study_is_deleted_with_its_weights_but_not_with_a_persons_notes(database, runs):
    ended = run("delete", "first", "--yes", "--json", "--database", database)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["trials"] == 2
    assert found(runs) == ["first/notes.txt"]
    with open_store(str(database), read_only=True) as store:
        assert [study.name for study in store.studies()] == ["second"]
        assert check(store, runs=runs) == []


def test_nobody_to_ask_deletes_nothing(database, runs):
    before = found(runs)
    ended = run("delete", "first", "--database", database)
    assert (ended.exit_code, "--yes" in ended.stderr) == (2, True)
    assert found(runs) == before
    assert run("check", "--database", database).exit_code == 0


def test_a_person_is_asked(database, runs, monkeypatch):
    monkeypatch.setattr("kwsearch.commands.databases._a_person_is_there", lambda: True)
    words = ["database", "delete", "first", "--database", str(database)]
    assert CliRunner().invoke(app, words, input="n\n").exit_code == 2
    assert "first/report.html" in found(runs)
    assert CliRunner().invoke(app, words, input="y\n").exit_code == 0
    assert found(runs) == ["first/notes.txt"]


def test_a_renamed_study_keeps_its_weights(database, runs):
    before = found(runs)
    ended = run("rename", "first", "best-of-all", "--database", database)
    assert ended.exit_code == 0, ended.output
    moved = {path.replace("first/", "best-of-all/", 1) for path in before if "notes" not in path}
    assert set(found(runs)) == {*moved, "first/notes.txt"}
    with open_store(str(database), read_only=True) as store:
        study = store.study("best-of-all")
        assert study.spec.settings["name"] == "best-of-all"
        place = Checkpoints.of(study, runs).subfolder
        assert store.files("best-of-all")
        assert all(kept.path.startswith(place) for kept in store.files("best-of-all").values())
        assert check(store, runs=runs) == []


@pytest.mark.parametrize("step", ["link", "rename_study", "_remove", "_move_rest"])
def test_a_renaming_cut_off_anywhere_leaves_weights_where_the_database_says(
    database, runs, monkeypatch, step
):
    """And run again, if the study has its old name still, it is done."""
    linked = []

    def die(*_):
        raise KeyboardInterrupt

    def once(path, target):
        linked.append(path)
        if len(linked) > 1:
            raise KeyboardInterrupt
        os.link(target, path)

    where = {
        "link": ("pathlib.Path.hardlink_to", once),
        "rename_study": ("trials.store.writes.Writes.rename_study", die),
    }
    with monkeypatch.context() as patch:
        patch.setattr(*where.get(step, (f"kwsearch.housekeeping.{step}", die)))
        with open_store(str(database)) as store, pytest.raises(KeyboardInterrupt):
            housekeeping.rename(store, "first", "new")
    with open_store(str(database)) as store:
        assert check(store, runs=runs) == []
        name = next(study.name for study in store.studies() if study.name != "second")
        assert name == ("first" if step in where else "new")
        if step in where:
            housekeeping.rename(store, "first", "new")
        assert check(store, runs=runs) == []
        assert {kept.path.partition("/")[0] for kept in store.files("new").values()} == {"new"}


def test_a_study_that_is_driven_is_neither_renamed_nor_deleted(database, runs):
    before = found(runs)
    with open_store(str(database)) as store:
        store.acquire("first", "elsewhere:7", 60)
        for words in (("delete", "first", "--yes"), ("rename", "first", "new")):
            ended = run(*words, "--database", database)
            assert (ended.exit_code, "elsewhere" in ended.stderr) == (4, True)
    assert found(runs) == before


def test_a_taken_name_is_refused(database, runs):
    before = found(runs)
    ended = run("rename", "first", "second", "--database", database)
    assert (ended.exit_code, "already" in ended.stderr) == (2, True)
    assert found(runs) == before


def test_checkpoints_of_another_databases_study_of_that_name_stay(database, runs, quick_path):
    other = quick_path / "other.db"
    write(other)
    left(runs, "first", other)
    assert run("delete", "first", "--yes", "--database", database).exit_code == 0
    assert check(str(other), runs=runs) == []
    assert "first/report.html" in found(runs)


def test_a_study_that_is_replaced_is_deleted_when_all_else_has_been_checked(database, runs):
    wanted = from_plain({**to_plain(preset("quickstart")), "name": "first"}, "test")
    with open_store(str(database)) as store:
        with pytest.raises(InputError, match="no study 'none'"):
            driving.create(store, wanted, seed_from="none", replace=True)
        with pytest.raises(InputError, match="already"):
            driving.create(store, wanted)
        assert len(store.trials("first")) == 2
        store.acquire("first", "elsewhere:7", 60)
        with pytest.raises(StudyBusyError):
            driving.create(store, wanted, replace=True)
        store.release("first", "elsewhere:7")
        driving.create(store, wanted, replace=True)
        assert store.trials("first") == []
        assert check(store, runs=runs) == []
    assert [path for path in found(runs) if "data/" not in path] == ["first/notes.txt"]
