"""The dashboard refuses what it cannot show, and looking never slows a search."""

import itertools
import socket

import pytest
from typer.testing import CliRunner

from kwsearch.cli import app
from kwsearch.watching import pacing
from kwsearch.watching.pacing import Paced
from trials.store import open_store


def run(*words):
    return CliRunner().invoke(app, ["dashboard", *map(str, words)])


@pytest.fixture
def database(quick_path):
    path = quick_path / "kwsearch.db"
    open_store(path).close()
    return path


def test_a_study_that_is_not_there_is_bad_input(database):
    ended = run("nobody", "--database", database)
    assert ended.exit_code == 2
    assert "There is no study 'nobody'" in ended.stderr
    assert ended.stdout == ""


def test_a_database_that_is_not_there_is_a_matter_of_storage(tmp_path):
    ended = run("nobody", "--database", tmp_path / "none.db")
    assert ended.exit_code == 3
    assert "There is no database" in ended.stderr


def test_a_name_that_is_none_is_refused_before_anything_is_opened(tmp_path):
    ended = run("<script>alert(1)</script>", "--database", tmp_path / "none.db")
    assert ended.exit_code == 2


def test_a_port_that_is_taken_is_told_with_the_way_out():
    from kwsearch.watching.server import serve  # noqa: PLC0415 - needed here alone
    from search_spaces import InputError  # noqa: PLC0415 - likewise

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 cannot be had") as told:
            serve(lambda _environ, _start: [], port, print)
    assert "--port" in told.value.cure


def test_work_rests_nine_times_as_long_as_it_took(monkeypatch):
    now, worked = [100.0], []

    def work():
        worked.append(now[0])
        now[0] += 3.0

    monkeypatch.setattr(pacing, "monotonic", lambda: now[0])
    paced = Paced(work)
    for _ in range(200):
        paced()
        now[0] += 0.5
    assert worked[0] == 100.0
    gaps = [after - before for before, after in itertools.pairwise(worked)]
    assert all(30.0 <= gap < 31.0 for gap in gaps)
    assert len(worked) == 4


def test_work_that_fails_rests_as_well(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pacing, "monotonic", lambda: now[0])
    failing = Paced(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failing()
    failing()
    now[0] += pacing.LEAST
    with pytest.raises(ZeroDivisionError):
        failing()
