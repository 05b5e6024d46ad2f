"""`kwsearch database`: a database is checked, upgraded and merged from the command line."""

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from kwsearch.cli import app
from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from trials.records import FrontUpdate, Measurement, NewStudy, Outcome, Trial, TrialState
from trials.store import open_store
from trials.store import upgrade as schema

CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")


def run(*words):
    return CliRunner().invoke(app, ["database", *map(str, words)])


def write(database, name="first", trials=2, seed=0):
    """A study of so many complete trials, each larger and better than the one before."""
    with open_store(str(database)) as store:
        settings = {"name": name, "proxy": {"epochs": [1]}}
        table = shipped("resnet8", num_classes=10)
        store.create_study(NewStudy(name, settings, table, seed, 9, 50_000, 0.1))
        area = 0.0
        for number in range(trials):
            params, accuracy = 10_000 * (number + 1), 0.25 + number / 8
            trial = Trial(name, number, CONFIG, f"{number:064x}", params, 10, 1)
            store.begin(trial, {}, {}, {})
            store.measure(name, number, 1, Measurement(1, accuracy, 0.01, 1.0, 100, 2.0))
            area += (50_000 - params) * (accuracy - 0.1 if number == 0 else 0.125)
            update = FrontUpdate(tuple(range(number + 1)), area)
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
