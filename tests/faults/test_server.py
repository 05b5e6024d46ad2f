"""PostgreSQL goes away while a study is searched: its measurements wait and are written."""

import shutil
import subprocess
import threading
import time

import psycopg
import pytest
from sqlalchemy import make_url

from trials.store.connection.postgresql import PATIENCE

pytestmark = pytest.mark.fault


@pytest.fixture
def stopped(server):
    """Call it to stop the server for some seconds; it comes back by itself."""
    timers = []

    def stop(seconds):
        server.stop()
        timers.append(threading.Timer(seconds, server.start))
        timers[-1].start()

    yield stop
    for timer in timers:
        timer.join()


def test_a_server_away_for_three_seconds_goes_unnoticed(server_place, stopped, undisturbed):
    """The search waits, and ends as if nothing had been."""
    process = server_place.start("search", "tiny.toml")
    for finished in (2, 8):
        process.reached(finished)
        stopped(3)
    process.ended(0)
    server_place.sound()
    assert server_place.table() == undisturbed[0]
    assert server_place.measured() == undisturbed[1]


@pytest.mark.slow
def test_a_server_away_for_twenty_seconds_goes_unnoticed(server_place, stopped, undisturbed):
    """So does a longer absence."""
    process = server_place.start("search", "tiny.toml")
    process.reached(3)
    stopped(20)
    process.ended(0)
    server_place.sound()
    assert server_place.measured() == undisturbed[1]


def test_a_server_that_stays_away_ends_the_search_and_it_goes_on_later(
    server, server_place, undisturbed
):
    """Exit 3 when patience ends, not later; ``--steal`` need not wait for the dead lease."""
    impatient = "import trials.store.connection.postgresql as p; p.PATIENCE = 2.0"
    process = server_place.start("search", "tiny.toml", first=impatient)
    process.reached(2)
    server.stop()
    try:
        talk = process.ended(3).talk
    finally:
        server.start()
    assert "Check that the server runs" in talk
    server_place.sound()
    server_place.run("resume", "tiny", "--steal")
    server_place.sound()
    assert server_place.table() == undisturbed[0]


def test_ctrl_c_twice_does_not_wait_for_a_server_that_is_away(server, server_place):
    """The first waits to give trials back; the second ends it at once with 5."""
    process = server_place.start("search", "tiny.toml")
    process.reached(2)
    server.stop()
    try:
        time.sleep(0.5)
        process.send(2)
        time.sleep(1.0)
        assert process.exitcode is None
        process.send(2)
        process.join(30)
        assert process.exitcode == 5  # patience would last for 60 s
        assert "Traceback" not in process.talk
    finally:
        server.start()
    server_place.sound()


@pytest.mark.parametrize(
    "words", [("search", "tiny.toml"), ("front", "tiny"), ("database", "check")]
)
def test_a_server_that_is_down_at_the_start_is_said_in_time(file_place, words, password, leaks):
    """Exit 3 long before patience ends, with the place and without the password."""
    url = make_url("postgresql://kw@127.0.0.1:1/studies").set(password=password)
    file_place.url = url.render_as_string(hide_password=False)
    start = time.monotonic()
    process = file_place.run(*words, code=3)
    assert time.monotonic() - start < PATIENCE / 2
    assert "postgresql://kw@127.0.0.1:1/studies" in process.talk
    assert not leaks(process.talk + process.out)


def test_a_password_with_odd_letters_works_and_appears_nowhere(guarded, leaks, undisturbed):
    """In no line that is written, no file, no row, no process' words."""
    process = guarded.start("search", "tiny.toml")
    process.reached(2)
    command = [shutil.which("ps") or "ps", "-eo", "args"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "python" in listed.stdout
    assert not leaks(listed.stdout)
    process.ended(0)
    for verb in (
        ["front", "tiny"],
        ["report", "tiny"],
        ["export", "tiny", "--trial", "0", "-o", "x"],
    ):
        guarded.run(*verb)
    guarded.run("database", "check", "tiny", "--json")
    guarded.run("resume", "tony", code=2)
    files = [path for path in guarded.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not any(leaks(path.read_bytes().decode(errors="replace")) for path in files)
    assert guarded.table() == undisturbed[0]
    with psycopg.connect(guarded.url.replace("+psycopg", "")) as admin:
        tables = admin.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'kw%'"
        ).fetchall()
        for (table,) in tables:
            rows = admin.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - ours
            assert not leaks(str(rows))
        assert not leaks(str(admin.execute("SELECT query FROM pg_stat_activity").fetchall()))
