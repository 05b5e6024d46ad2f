"""SQLite: damage, locks, full disks, network file systems, crashes."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from search_spaces.errors import InputError
from trials.errors import DamagedDataError, LostDatabaseError, StorageError
from trials.records import TrialState
from trials.store import open_store
from trials.store.check import check
from trials.store.connection.filesystem import network_filesystem


@pytest.fixture
def file(folder: Path, make_driver: Any) -> Path:
    """A database with a small study in it."""
    path = folder / "kw.db"
    with open_store(path) as store:
        driver = make_driver(store)
        driver.create()
        for number in range(3):
            driver.complete(number, 1000 + number, 0.5)
    return path


def test_every_connection_is_set_up(file: Path) -> None:
    """Foreign keys on, full syncing, rollback journal; also where the file was in WAL mode."""
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
    raw.close()
    with open_store(file) as store:
        for pragma, value in (("foreign_keys", 1), ("synchronous", 2), ("journal_mode", "delete")):
            found = store.transactions.write(
                lambda c, p=pragma: c.exec_driver_sql(f"PRAGMA {p}").scalar()
            )
            assert found == value


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"a study, honestly\n" * 300, b"SQLite"])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_no_database_is_refused_and_left_alone(
    folder: Path,
    content: bytes,
    read_only: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Empty files too, unless one is to be created."""
    path = folder / "kw.db"
    path.write_bytes(content)
    with pytest.raises(DamagedDataError) as caught:
        open_store(path, create=False, read_only=read_only)
    assert str(path) in caught.value.cause
    assert caught.value.exit_code == 7
    if content:
        with pytest.raises(DamagedDataError):
            open_store(path)
    assert path.read_bytes() == content
    assert list(folder.iterdir()) == [path]


def test_a_file_cut_short_is_refused_and_left_alone(file: Path) -> None:
    """At any length."""
    whole = file.read_bytes()
    for length in (*range(1, 600, 97), *range(600, len(whole), len(whole) // 25), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedDataError):
            open_store(file)
        assert file.read_bytes() == whole[:length]


def test_a_page_of_zeros_is_found_before_anything_is_written(file: Path) -> None:
    """Whichever page it is."""
    whole = file.read_bytes()
    size = 4096
    for start in range(0, len(whole), size):
        broken = whole[:start] + bytes(size) + whole[start + size :]
        file.write_bytes(broken)
        with pytest.raises(DamagedDataError):
            open_store(file)
        assert file.read_bytes() == broken


def test_damage_in_the_middle_of_reading_is_said(file: Path) -> None:
    """A row that is no configuration is damage, not a traceback."""
    with sqlite3.connect(file) as raw:
        raw.execute("UPDATE kw_trial SET config = '{' WHERE number = 1")
    raw.close()
    with open_store(file) as store, pytest.raises(DamagedDataError, match="trials of study"):
        store.trials("study")


def test_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    """The path is named."""
    with pytest.raises(StorageError, match=str(folder)):
        open_store(folder)


def test_a_file_in_place_of_a_folder_is_refused(file: Path) -> None:
    """The path is named."""
    with pytest.raises(StorageError, match=r"kw\.db"):
        open_store(file / "kw.db")


def test_a_missing_file_is_not_created_by_reading(folder: Path) -> None:
    """The cure says how to start a study."""
    with pytest.raises(StorageError, match="kwsearch search"):
        open_store(folder / "deep" / "kw.db", create=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["", ":memory:", "sqlite://", "sqlite:///:memory:", "a\0b"])
def test_a_database_has_a_path(text: str) -> None:
    """Memory forgets."""
    with pytest.raises(InputError, match="not a path"):
        open_store(text)


def test_where_the_environment_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, make_study: Any
) -> None:
    """Without a URL: the variable, or else runs/kwsearch.db; odd letters are no problem."""
    odd = folder / "sp ace%20?mode=ro#ü" / "kw.db"
    monkeypatch.setenv("KWSEARCH_DATABASE", str(odd))
    with open_store() as store:
        store.create_study(make_study())
    assert odd.is_file()
    monkeypatch.delenv("KWSEARCH_DATABASE")
    monkeypatch.chdir(folder)
    open_store().close()
    assert (folder / "runs" / "kwsearch.db").is_file()


def test_a_short_lock_is_waited_for(file: Path) -> None:
    """Nothing is seen of it."""
    with open_store(file, patience=5) as store:
        raw = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        raw.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.3, lambda: raw.execute("ROLLBACK")).start()
        store.set_trials("study", 33)
        assert store.study("study").spec.trials == 33
        raw.close()


def test_a_long_lock_ends_in_an_error_with_its_cure(file: Path) -> None:
    """For writers, readers and whoever opens the file; afterwards all is well."""
    with open_store(file, patience=0.2) as store:
        raw = sqlite3.connect(file, isolation_level=None)
        raw.execute("BEGIN EXCLUSIVE")
        asks: list[Any] = [
            lambda: store.set_trials("study", 33),
            lambda: store.study("study"),
            lambda: open_store(file, patience=0.2),
        ]
        for ask in asks:
            with pytest.raises(StorageError, match="locked by another process") as caught:
                ask()
            assert caught.value.exit_code == 3
            assert "end it" in caught.value.cure
        raw.close()
        store.set_trials("study", 33)


def test_a_full_disk_names_path_and_need(file: Path, make_driver: Any) -> None:
    """The unit leaves nothing behind, and works when there is space."""
    with open_store(file) as store:
        driver = make_driver(store)

        def fill(connection: Any) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")

        event.listen(store.transactions._engine, "begin", fill)
        with pytest.raises(StorageError, match="no space left for") as caught:
            driver.begin(3, sampler_state={"text": "x" * 100_000})
        assert str(file) in caught.value.cause
        event.remove(store.transactions._engine, "begin", fill)
    with open_store(file) as store:
        driver = make_driver(store)
        assert sum(store.study("study").states.values()) == len(store.trials("study")) == 3
        driver.begin(3, sampler_state={"text": "x" * 100_000})


def test_a_reader_heals_what_a_crash_left(file: Path, folder: Path) -> None:
    """A transaction cut off in the middle is rolled back before reading."""
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("PRAGMA cache_size = 1")
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("UPDATE kw_trial SET state = 'failed', detail = hex(zeroblob(20000))")
    crashed = folder / "crashed.db"
    shutil.copy(file, crashed)
    shutil.copy(f"{file}-journal", f"{crashed}-journal")
    raw.execute("ROLLBACK")
    raw.close()
    assert crashed.read_bytes() != file.read_bytes()
    with open_store(crashed, read_only=True) as store:
        assert {r.state for r in store.trials("study")} == {TrialState.COMPLETE}


def test_a_reader_does_not_disturb_a_writer(file: Path) -> None:
    """Reading goes on beside an open transaction, and sees what was before it."""
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("UPDATE kw_study SET trials = 99")
    with open_store(file, read_only=True, patience=0.2) as store:
        assert store.study("study").spec.trials == 20
    raw.execute("COMMIT")
    raw.close()


OPEN = """
import sys, time
from trials.store import open_store
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
with open_store(sys.argv[1]) as store:
    print(len(store.studies()))
"""


@pytest.mark.fault
def test_four_processes_open_a_fresh_file_at_once(folder: Path) -> None:
    """All succeed, and there is one schema."""
    path = folder / "kw.db"
    start = str(time.time() + 2.5)
    command = [sys.executable, "-c", OPEN, str(path), start]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        out, err = process.communicate(timeout=600)
        assert (process.returncode, out, err) == (0, "0\n", "")
    assert check(str(path)) == []
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT count(*) FROM kw_alembic_version").fetchone() == (1,)
    raw.close()


def test_a_write_that_ctrl_c_ends_while_it_reads_leaves_no_lock(
    folder: Path, make_driver: Any
) -> None:
    """Not even while the interruption is handled, which keeps all that it met alive."""
    with open_store(folder / "kw.db", patience=1) as store:
        driver = make_driver(store)
        driver.create()
        for number in range(3):
            driver.begin(number)

        def interrupted(connection: Connection) -> None:
            rows = connection.exec_driver_sql("SELECT number FROM kw_trial")
            assert rows.fetchone() is not None
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as caught:
            store.transactions.write(interrupted)
        with open_store(folder / "kw.db", patience=1) as other:
            make_driver(other).begin(3)
        assert caught.value is not None
        assert len(store.trials("study")) == 4


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /mnt/data nfs4 rw 0 0
/dev/vdb /mnt/data/local\\040disk xfs rw 0 0
//host/share /mnt/share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder_name", "kind"),
    [
        ("/mnt/data/runs", "nfs4"),
        ("/mnt/share", "cifs"),
        ("/mnt/data/local disk/runs", None),
        ("/mnt/database", None),
        ("/home", None),
    ],
)
def test_network_file_systems_are_told(folder_name: str, kind: str | None) -> None:
    """By the innermost mount that holds the folder."""
    assert network_filesystem(Path(folder_name), MOUNTS) == kind


def test_a_file_cut_short_is_refused_by_whoever_reads(file: Path) -> None:
    """Also where only the end of its last page is gone, which SQLite reads as zeros."""
    content = file.read_bytes()
    for length in (len(content) - 1, len(content) - 4000, len(content) - 4096, len(content) // 2):
        file.write_bytes(content[:length])
        with pytest.raises(DamagedDataError, match="damaged"):
            open_store(file, read_only=True)
        assert file.read_bytes() == content[:length]


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_file_that_goes_away_while_it_is_open_is_said_to_be_gone(file: Path, how: str) -> None:
    """Not to be open for reading only."""
    with open_store(file) as store:
        store.studies()
        if how == "deleted":
            file.unlink()
        else:
            file.rename(file.with_name("other.db"))
        with pytest.raises(LostDatabaseError, match="not there any more"):
            store.set_trials("study", 30)
    assert not file.exists()


def test_a_network_file_system_is_refused_for_writing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cure names PostgreSQL; nothing is created."""
    monkeypatch.setattr("trials.store.connection.sqlite.network_filesystem", lambda _folder: "nfs4")
    with pytest.raises(StorageError, match="PostgreSQL"):
        open_store(folder / "kw.db")
    assert list(folder.iterdir()) == []
