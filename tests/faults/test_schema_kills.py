"""Upgrades that are killed, doubled, or meet another schema; files that many open at once."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from trials.store import open_store
from trials.store import upgrade as schema
from trials.store.connection import find
from trials.store.transactions import Transactions

pytestmark = pytest.mark.fault

FIRST = Path(__file__).parents[1] / "trials/store/schemas/0001.sql"
DIE = """
import os, signal
from trials.store import upgrade as schema
upgrade = schema.migrate

def dying(connection):
    upgrade(connection)
    os.kill(os.getpid(), signal.SIGKILL)

schema.migrate = dying
"""
"""Kills the process when all revisions have run and nothing is committed."""


def revision(place):
    with open_store(place.url, read_only=True) as store:
        return store.transactions.read(schema.current)


@pytest.fixture
def old(place):
    """A database of the first schema; on SQLite with a study in it."""
    if place.url.startswith("sqlite"):
        place.url = f"sqlite:///{place.folder}/kw.db"
        with sqlite3.connect(place.folder / "kw.db") as raw:
            raw.executescript(FIRST.read_text())
        raw.close()
        return place
    units = Transactions(find(place.url), read_only=False)

    def first(connection):
        from alembic import command  # noqa: PLC0415 - as in the module that upgrades

        config = schema.alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    units.write(first)
    units.close()
    return place


def test_an_upgrade_killed_before_its_end_leaves_the_old_schema_and_is_run_again(old):
    """Reading works before and after; writing waits for the upgrade, and says so with 3."""
    options = [] if old.url.startswith("sqlite") else ["--no-backup"]
    process = old.start("database", "upgrade", *options, first=DIE)
    process.join()
    assert process.exitcode == -9
    assert revision(old) == "0001"
    old.run("studies", "--json")
    talk = old.run("search", "tiny.toml", code=3).talk
    assert "kwsearch database upgrade" in talk
    old.run("database", "upgrade", *options)
    assert revision(old) == schema.HEAD
    old.sound()
    old.run("search", "tiny.toml", "--trials", "1")
    old.sound()
    copies = [*old.folder.glob("kw.db.*")]
    assert [copy.name for copy in copies] == (["kw.db.0001.backup"] if not options else [])


def test_of_two_upgrades_at_once_one_migrates(old):
    """Both end well."""
    options = [] if old.url.startswith("sqlite") else ["--no-backup"]
    both = [old.start("database", "upgrade", "--json", *options) for _ in range(2)]
    for process in both:
        assert f'"after": "{schema.HEAD}"' in process.ended(0).out
    assert revision(old) == schema.HEAD
    old.sound()


def test_a_newer_schema_can_be_read_and_is_never_written(place):
    """Exit 3 naming both."""
    place.run("search", "tiny.toml", "--trials", "1")
    with open_store(place.url) as store:
        change = text("UPDATE kw_alembic_version SET version_num = '9999'")
        store.transactions.write(lambda connection: connection.execute(change))
    for words in (("resume", "tiny", "--trials", "2"), ("database", "upgrade", "--no-backup")):
        talk = place.run(*words, code=3).talk
        assert "9999" in talk
        assert schema.HEAD in talk
    assert '"trials": 1' in place.run("status", "tiny", "--json").out


def test_four_searches_open_a_fresh_database_at_once(place):
    """All succeed, and there is one schema."""
    names = ["a", "b", "c", "d"]
    searches = [place.start("search", "tiny.toml", "--name", n, "--trials", "1") for n in names]
    for process in searches:
        process.ended(0)
    place.sound()
    with open_store(place.url, read_only=True) as store:
        assert sorted(study.name for study in store.studies()) == names
        count = text("SELECT count(*) FROM kw_alembic_version")
        assert store.transactions.read(lambda connection: connection.scalar(count)) == 1
