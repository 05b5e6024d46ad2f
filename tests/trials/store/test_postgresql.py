"""PostgreSQL: passwords, servers that are down or go away, commits whose answer is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import OperationalError

from search_spaces.errors import InputError
from trials.errors import StorageError
from trials.records import Refusal, TrialState
from trials.store import Store, open_store
from trials.store.check import check
from trials.store.connection.postgresql import PATIENCE

PASSWORD = "p%41{x}@:/%%s"  # noqa: S105 - made up
QUOTED = "p%2541{x}%40%3A%2F%25%25s"


@pytest.fixture
def address(new_postgresql_database: Callable[[], str]) -> str:
    """URL of an empty database."""
    return new_postgresql_database()


@pytest.fixture
def opened(address: str) -> Iterator[Store]:
    """A store in it that is patient for half a minute."""
    with open_store(address, patience=30) as store:
        yield store


@pytest.fixture
def searching(opened: Store, make_driver: Any) -> Any:
    """A driver with a lease."""
    driver = make_driver(opened)
    driver.create()
    opened.acquire("study", "host:1", 60)
    return driver


def test_a_server_that_is_down_is_said_at_once_without_the_password() -> None:
    """Long before patience ends; the place is named, the query is not."""
    start = time.monotonic()
    url = f"postgresql://kw:{QUOTED}@127.0.0.1:1/studies?options=-cgeqo%3D{QUOTED}"
    with pytest.raises(StorageError) as caught:
        open_store(url)
    assert time.monotonic() - start < PATIENCE / 2
    said = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert "postgresql://kw@127.0.0.1:1/studies" in said
    assert "refused" in said
    assert PASSWORD not in said
    assert QUOTED not in said
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://kw:{p}@host:port/db",
        "postgresql://kw:{p}@[::1/db",
        "mysql://kw:{p}@host/db",
        "nonsense://{p}",
        "://{p}",
    ],
)
def test_a_url_that_cannot_be_used_does_not_give_its_password_away(url: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(InputError) as caught:
        open_store(url.format(p="s3cr3t{}%"))
    assert "s3cr3t" not in f"{caught.value} {caught.value.cure}"


def test_a_password_with_odd_letters_works(server: Any, address: str) -> None:
    """And a wrong one is an error that does not repeat it."""
    with psycopg.connect(address, autocommit=True) as admin:
        path = str(admin.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index] # SHOW always answers
        admin.execute(f"CREATE ROLE kw_odd SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - short of a Path for one read
            before = file.read()
        try:
            with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
                file.write("local all kw_odd scram-sha-256\n" + before)
            admin.execute("SELECT pg_reload_conf()")
            url = make_url(address).set(username="kw_odd", password=PASSWORD)
            right = url.render_as_string(hide_password=False)
            with open_store(right) as store:
                assert store.studies() == []
                assert PASSWORD not in store.location
            wrong = url.set(password=PASSWORD + "!").render_as_string(hide_password=False)
            with pytest.raises(StorageError, match="kw_odd") as caught:
                open_store(wrong)
            assert PASSWORD not in f"{caught.value} {caught.value.__cause__!r}"
        finally:
            with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - likewise
                file.write(before)
            admin.execute("SELECT pg_reload_conf()")
    assert server is not None


def test_a_missing_driver_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cure is the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(InputError, match=r"kernelwarehouse-search\[postgresql\]"):
        open_store(address)


def test_connections_lost_between_calls_go_unnoticed(address: str, searching: Any) -> None:
    """As after a restart of the server."""
    searching.begin(0)
    _end_all(address)
    searching.measure(0, 0.5, (1,))
    _end_all(address)
    assert searching.store.study("study").epochs == 1


def test_a_connection_lost_in_mid_unit_starts_the_unit_again(address: str, opened: Store) -> None:
    """From its beginning, in a transaction of its own."""
    runs: list[int] = []

    def work(connection: Connection) -> Any:
        runs.append(1)
        if len(runs) == 1:
            _end_all(address)
        return connection.exec_driver_sql("SELECT 1").scalar()

    assert opened.transactions.write(work) == 1
    assert len(runs) == 2


class Forgetful:
    """An engine that commits, and then says that the connection was lost: once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.lost = 0

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """As `Engine.begin`."""
        with self._engine.begin() as connection:
            yield connection
        if not self.lost:
            self.lost += 1
            origin = psycopg.OperationalError("server closed the connection unexpectedly")
            raise OperationalError("COMMIT", {}, origin, connection_invalidated=True)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "create": lambda d: d.store.create_study(d.other()),
    "set trials": lambda d: d.store.set_trials("study", 30),
    "begin": lambda d: d.begin(1, refused={Refusal.KNOWN: 2}),
    "refuse": lambda d: d.store.add_refused("study", {Refusal.KNOWN: 2}),
    "again": lambda d: d.store.retry("study", 0),
    "give back": lambda d: d.store.give_back("study", [0]),
    "measure": lambda d: d.measure(0, 0.5, (1,)),
    "finish": lambda d: d.finish(0, TrialState.FAILED),
    "acquire": lambda d: d.store.acquire("study", "host:1", 60),
    "renew": lambda d: d.store.renew("study", "host:1", 60),
    "release": lambda d: d.store.release("study", "host:1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_commit_whose_answer_is_lost_counts_once(
    searching: Any, make_study: Any, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Every method is carried out once, and returns what it would have returned."""
    searching.begin(0)
    searching.other = lambda: make_study("other")
    forgetful = Forgetful(searching.store.transactions._writing)
    monkeypatch.setattr(searching.store.transactions, "_writing", forgetful)
    result = CHANGES[change](searching)
    assert forgetful.lost == 1
    store = searching.store
    study = store.study("study")
    assert study.refused[Refusal.KNOWN] == (2 if change in ("begin", "refuse") else 0)
    assert sum(study.states.values()) == (2 if change == "begin" else 1)
    assert study.epochs == (1 if change == "measure" else 0)
    assert store.trial("study", 0).trial.attempt == (2 if change == "again" else 1)
    if change == "again":
        assert result == searching.trial(0, attempt=2)
    assert [s.name for s in store.studies()][1:] == (["other"] if change == "create" else [])
    running = [fault for fault in check(store) if "nobody holds" not in fault]
    assert running == []


def test_a_locked_study_is_waited_for(address: str, searching: Any) -> None:
    """Writers of one study take turns."""
    with psycopg.connect(address) as raw:
        raw.execute("SELECT * FROM kw_tally FOR UPDATE")
        timer = threading.Timer(0.5, raw.rollback)
        timer.start()
        searching.begin(0)
        timer.join()
    assert len(searching.store.trials("study")) == 1


def test_a_study_locked_for_long_is_an_error(
    address: str, searching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same cure as on SQLite."""
    monkeypatch.setattr("trials.store.connection.postgresql._LOCK_SECONDS", 1)
    with open_store(address) as impatient, psycopg.connect(address) as raw:
        raw.execute("SELECT * FROM kw_tally FOR UPDATE")
        with pytest.raises(StorageError, match="locked by another process") as caught:
            impatient.set_trials("study", 30)
        assert "end it" in caught.value.cure
    searching.begin(0)


def test_threads_that_write_at_once_lose_nothing(opened: Store, make_driver: Any) -> None:
    """Their counts add up."""
    driver = make_driver(opened)
    driver.create()

    def refuse() -> None:
        for _ in range(20):
            opened.add_refused("study", {Refusal.KNOWN: 1})

    threads = [threading.Thread(target=refuse) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened.study("study").refused[Refusal.KNOWN] == 80


@pytest.mark.fault
@pytest.mark.parametrize("seconds", [0, 5])
def test_a_server_that_goes_away_is_waited_for(
    server: Any, address: str, searching: Any, make_front: Any, seconds: float
) -> None:
    """Measurements taken meanwhile are written when it is back; none is lost or doubled."""
    searching.begin(0)
    server.stop()
    back = threading.Timer(seconds, server.start)
    back.start()
    try:
        searching.measure(0, 0.5)
        searching.finish(0, front=make_front((0,), 0.4 / 0.9))
    finally:
        back.join()
    searching.store.release("study", "host:1")
    assert len(searching.store.measurements("study")) == 3
    assert check(address) == []


@pytest.mark.fault
def test_patience_ends(server: Any, address: str, make_driver: Any) -> None:
    """With an error that names the place; what was written before stays."""
    with open_store(address, patience=1) as store:
        driver = make_driver(store)
        driver.create()
        driver.begin(0)
        server.stop()
        try:
            start = time.monotonic()
            with pytest.raises(StorageError, match="cannot be used"):
                driver.measure(0, 0.5)
            assert time.monotonic() - start < PATIENCE / 2
            with pytest.raises(StorageError, match="cannot be used"):
                open_store(address)
        finally:
            server.start()
        driver.measure(0, 0.5)
        assert len(store.measurements("study")) == 3


def _end_all(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
