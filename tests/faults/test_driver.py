"""The driver of a study is killed, doubled or interrupted: nothing measured is lost."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from trials.records import TrialState
from trials.repeats import near_front
from trials.store import open_store

pytestmark = pytest.mark.fault


def told(talk):
    """State and accuracy by trial, as the lines of progress tell them."""
    lines = re.findall(r"trial (\d+)  .*?  accuracy (\S+) ± \S+  (\w+).*?refused \d+", talk)
    return {int(number): (state, accuracy) for number, accuracy, state in lines}


def written(table):
    """The same of a table."""
    return {number: (state, f"{a:.4f}") for number, _, _, state, _, a, _ in table if a is not None}


def kill_and_resume(place, rounds):
    """Kill a search at random moments, then let it finish."""
    moments = random.Random(rounds)  # noqa: S311 - not a secret
    words = ["search", "tiny.toml", "--trials", 4 * rounds]
    for number in range(rounds):
        process = place.start(*words)
        if number == 0 or moments.random() < 0.8:
            process.reached()
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        place.sound()
        assert told(process.talk).items() <= written(place.table()).items()
        words = ["resume", "tiny", "--steal"]
    place.run(*words)
    place.sound()
    return place.table()


def test_a_driver_killed_at_random_and_resumed_ends_as_if_nothing_had_been(place, undisturbed):
    """All trials of the budget, the same as undisturbed, each measured once."""
    table, measured = undisturbed
    assert kill_and_resume(place, rounds=5) == table
    assert place.measured() == measured


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_thirty_kills_lose_nothing(place, undisturbed):
    """The same, for longer."""
    table = kill_and_resume(place, rounds=30)
    assert len(table) == len({digest for _, digest, *_ in table}) == 120
    assert table[: len(undisturbed[0])] == undisturbed[0]


def test_a_second_driver_is_told_who_drives_and_the_first_goes_on(place, undisturbed):
    """Exit 4 with host, process and time; reading goes on beside it."""
    process = place.start("search", "tiny.toml")
    process.reached(1)
    talk = place.run("resume", "tiny", code=4).talk
    assert re.search(rf"process {process.pid} on host {os.uname().nodename};", talk), talk
    assert re.search(r"ends at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", talk)
    assert "--steal" in talk
    place.run("search", "tiny.toml", code=2)
    place.run("front", "tiny", "--json")
    process.ended(0)
    place.sound()
    assert place.table() == undisturbed[0]


@pytest.mark.parametrize("trials", [2, 40])
def test_a_number_of_trials_asked_for_beside_a_live_driver_changes_nothing(
    file_place, undisturbed, trials
):
    """Exit 4; a lower number would have ended the live driver."""
    place = file_place
    process = place.start("search", "tiny.toml")
    process.reached(3)
    place.run("resume", "tiny", "--trials", trials, code=4)
    process.ended(0)
    place.sound()
    assert place.table() == undisturbed[0]


TRIALS = 20
"""Those of the study."""

STOPPED = "import kwsearch.driving; kwsearch.driving.LEASE = 3.0"


def test_a_driver_that_was_stopped_for_longer_than_its_lease_is_fenced(file_place, undisturbed):
    """SIGSTOP, then SIGCONT after another has taken the study over: it ends with 4."""
    place = file_place
    process = place.start("search", "tiny.toml", first=STOPPED)
    process.reached(2)
    process.send(signal.SIGSTOP)
    time.sleep(4)
    thief = place.start("resume", "tiny")
    thief.reached()
    process.send(signal.SIGCONT)
    process.ended(4)
    thief.ended(0)
    place.sound()
    assert place.table() == undisturbed[0]
    assert place.measured() == undisturbed[1]


def test_a_driver_stopped_for_longer_than_its_lease_goes_on_where_nobody_came(
    file_place, undisturbed
):
    """The lease is over, but still its own."""
    process = file_place.start("search", "tiny.toml", first=STOPPED)
    process.reached(2)
    process.send(signal.SIGSTOP)
    time.sleep(4)
    process.send(signal.SIGCONT)
    process.ended(0)
    file_place.sound()
    assert file_place.table() == undisturbed[0]


ONE_OF_MANY = """
from types import SimpleNamespace
from trials.store import leases
leases.os = SimpleNamespace(getpid=lambda: 1)
leases.socket = SimpleNamespace(gethostname=lambda: "vm")
"""


def test_two_drivers_with_one_host_name_and_one_process_number_are_told_apart(
    file_place, undisturbed
):
    """As in two containers: the second ends with 4."""
    place = file_place
    process = place.start("search", "tiny.toml", first=ONE_OF_MANY)
    process.reached(1)
    talk = place.run("resume", "tiny", code=4, first=ONE_OF_MANY).talk
    assert "process 1 on host vm;" in talk
    process.ended(0)
    place.sound()
    assert place.table() == undisturbed[0]


def test_a_driver_whose_study_is_stolen_stops_and_the_thief_goes_on(place, undisturbed):
    """The first ends with 4 at its next write, and no trial is measured into two rows."""
    process = place.start("search", "tiny.toml")
    process.reached(1)
    place.run("resume", "tiny", "--steal")
    process.ended(4)
    place.sound()
    assert place.table() == undisturbed[0]
    assert place.measured() == undisturbed[1]


def test_a_dead_drivers_study_is_free_when_its_lease_is_over(file_place):
    """Until then others are kept out; no one has to say --steal."""
    place = file_place
    short = "import kwsearch.driving; kwsearch.driving.LEASE = {}"
    process = place.start("search", "tiny.toml", first=short.format(600.0))
    process.reached(1)
    process.kill()
    place.run("resume", "tiny", code=4)
    process = place.start("resume", "tiny", "--steal", first=short.format(2.0))
    process.reached(5)
    process.kill()
    died = time.monotonic()
    time.sleep(max(0.0, 2.1 - (time.monotonic() - died)))
    place.run("resume", "tiny")
    place.sound()


ENDINGS = {
    "Ctrl-C": [signal.SIGINT],
    "Ctrl-C twice": [signal.SIGINT, signal.SIGINT],
    "SIGTERM": [signal.SIGTERM],
    "SIGHUP": [signal.SIGHUP],
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_signal_stops_a_search_that_can_be_resumed(file_place, ending, undisturbed):
    """Exit 5 with the command that goes on; what is measured stays, open trials wait."""
    place = file_place
    place.isolate()
    process = place.start("search", "tiny.toml")
    process.reached(3)
    for kind in ENDINGS[ending]:
        process.send(kind)
    process.ended(5)
    assert "kwsearch resume tiny" in process.talk.splitlines()[-1]
    with open_store(place.url, read_only=True) as store:
        assert not store.study("tiny").states["running"]
    place.sound()
    place.run("resume", "tiny")
    assert place.table() == undisturbed[0]


def test_a_second_ctrl_c_at_any_moment_ends_it_at_once(file_place, undisturbed):
    """Exit 5 whatever it was doing; at worst the study is free when its lease is over."""
    place = file_place
    place.isolate()
    words = ["search", "tiny.toml"]
    for pause in (0.0, 0.001, 0.01, 0.05):
        process = place.start(*words)
        process.reached()
        process.send(signal.SIGINT)
        time.sleep(pause)
        with suppress(ProcessLookupError):
            process.send(signal.SIGINT)
        process.join(600)
        assert process.exitcode == 5, process.talk
        assert "Traceback" not in process.talk
        place.sound(besides="nobody holds the study's lease")  # on a busy machine it is over
        words = ["resume", "tiny", "--steal"]
    place.run(*words)
    assert place.table() == undisturbed[0]


def test_a_reader_that_goes_away_stops_a_search_that_can_be_resumed(file_place, undisturbed):
    """As ``kwsearch search STUDY 2>&1 | head`` does; exit 5."""
    place = file_place
    with subprocess.Popen(
        [sys.executable, "-m", "kwsearch", "search", "tiny.toml", "--database", place.url],
        cwd=place.folder,
        stderr=subprocess.PIPE,
    ) as process:
        process.stderr.readline()
        process.stderr.close()
        assert process.wait(600) == 5
    place.sound()
    place.run("resume", "tiny")
    assert place.table() == undisturbed[0]


CUT_OFF = """
import os, signal
from trials.store.writes import Writes
counted, written = [], Writes.{method}
def cut_off(*args, **named):
    counted.append(args)
    if {before} and len(counted) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    done = written(*args, **named)
    if len(counted) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Writes.{method} = cut_off
"""


@pytest.mark.parametrize(
    "moment",
    [
        ("measure_baseline", 2, False),
        ("finish_baseline", 3, True),
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in (
                ("hand_out_baseline", 1, True),
                ("hand_out_baseline", 1, False),
                ("measure_baseline", 3, True),
                ("measure_baseline", 3, False),
                ("finish_baseline", 3, False),
            )
        ),
    ],
    ids=str,
)
def test_a_driver_killed_during_a_baseline_neither_loses_nor_doubles_one(
    file_place, undisturbed, plain, moment
):
    """Before a baseline is written to, and after; the trials are those of an undisturbed search."""
    with_baselines(file_place)
    method, at, before = moment
    first = CUT_OFF.format(method=method, at=at, before=before)
    cut = file_place.start("search", "tiny.toml", first=first)
    cut.join(600)
    assert cut.exitcode == -signal.SIGKILL, cut.talk
    assert file_place.table() == []
    file_place.sound()
    file_place.run("resume", "tiny", "--steal")
    file_place.sound()
    assert file_place.table() == undisturbed[0][:3]
    assert plain_networks(file_place.url) == plain


def with_baselines(place):
    """Let the study of a place measure plain networks first."""
    study = (place.folder / "tiny.toml").read_text()
    assert "seeds = 0" in study
    study = study.replace("seeds = 0", "seeds = 3").replace(f"trials = {TRIALS}", "trials = 3")
    (place.folder / "tiny.toml").write_text(study)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, furnish):
    """The plain networks of a search that nothing happened to."""
    place = furnish(tmp_path_factory.mktemp("plain"))
    with_baselines(place)
    place.run("search", "tiny.toml")
    return plain_networks(place.url)


@pytest.mark.parametrize(
    "moment",
    [
        ("add_baselines", 1, False),
        ("measure_baseline", 2, False),
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in (
                ("add_baselines", 1, True),
                ("hand_out_baseline", 2, False),
                ("measure_baseline", 3, True),
                ("finish_baseline", 2, True),
                ("finish_baseline", 2, False),
            )
        ),
    ],
    ids=str,
)
def test_a_driver_killed_during_repeats_neither_loses_nor_doubles_one(
    repeating_place, undisturbed_repeats, moment
):
    """Before repeats are written down, before one is written to, and after."""
    place, (method, at, before) = repeating_place, moment
    first = CUT_OFF.format(method=method, at=at, before=before)
    cut = place.start("search", "tiny.toml", first=first)
    cut.join(600)
    assert cut.exitcode == -signal.SIGKILL, cut.talk
    assert place.table() == undisturbed_repeats.table()
    place.sound()
    place.run("resume", "tiny", "--steal")
    place.sound()
    assert repeats(place.url) == repeats(undisturbed_repeats.url)
    place.run("resume", "tiny")
    assert repeats(place.url) == repeats(undisturbed_repeats.url)
    assert place.table() == undisturbed_repeats.table()
    assert place.measured() == undisturbed_repeats.measured()


def repeats(url):
    """Repeats without what clocks and attempts say, each of another network or seed."""
    with open_store(url, create=False, read_only=True) as store:
        found = store.baselines("tiny")
        complete = store.trials("tiny", states=(TrialState.COMPLETE,))
    near = {one.trial.digest for one in near_front(complete)}
    assert {one.state for one in found} == {TrialState.COMPLETE}
    assert {one.baseline.digest for one in found} == near
    assert len({(one.baseline.digest, one.baseline.seed) for one in found}) == len(found)
    return [(r.number, r.baseline.digest, r.baseline.seed, r.epochs, r.accuracy) for r in found]


def plain_networks(url):
    """Baselines without what clocks and attempts say."""
    with open_store(url, create=False, read_only=True) as store:
        found = [
            (r.number, r.baseline.backbone.digest, r.baseline.seed, r.state, r.epochs, r.accuracy)
            for r in store.baselines("tiny")
        ]
    assert len(found) == 3
    return found
