"""Clocks that are wrong, step or stand in other time zones."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psutil
import pytest

from trials.store import open_store

pytestmark = pytest.mark.fault

SHIFTED = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *page;

__attribute__((constructor)) static void map(void) {
    int file = open(getenv("KW_CLOCK"), O_RDONLY);
    page = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

static long shift(void) { return page && page != MAP_FAILED ? *page : 0; }

int clock_gettime(clockid_t id, struct timespec *t) {
    int end = syscall(SYS_clock_gettime, id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += shift();
    return end;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec;
    t->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}
"""
"""The clock of a process is wrong by the seconds in a file; its monotonic clock is not."""

HOUR = 3600


class Clock:
    """A clock that commands may be run by.

    Args:
        library: that reads the clock.
        path: of the file with the seconds by which it is wrong.
    """

    def __init__(self, library, path):
        self._library, self._path = library, path
        path.write_bytes(struct.pack("l", 0))

    def step(self, seconds):
        """From now on it is wrong by so many seconds."""
        with self._path.open("r+b") as file:
            file.write(struct.pack("l", int(seconds)))

    def start(self, place, *words, zone="UTC"):
        """Start a command; what it says goes to the file ``talk``."""
        given = {"LD_PRELOAD": str(self._library), "KW_CLOCK": str(self._path), "TZ": zone}
        given["KWSEARCH_DATABASE"] = place.url
        with (place.folder / "talk").open("w") as talk:
            return subprocess.Popen(
                [sys.executable, "-m", "kwsearch", *words],
                cwd=place.folder,
                env={**os.environ, **given, "OMP_NUM_THREADS": "1"},
                stdout=subprocess.DEVNULL,
                stderr=talk,
            )

    def run(self, place, seconds, *words, zone="UTC"):
        """Run a command by a clock that is wrong; its exit code and what it said."""
        self.step(seconds)
        code = self.start(place, *words, zone=zone).wait(600)
        talk = (place.folder / "talk").read_text()
        assert "Traceback" not in talk
        return code, talk


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """A clock that can be set."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "shifted.c").write_text(SHIFTED)
    library = folder / "shifted.so"
    command = [compiler, "-shared", "-fPIC", "-o", library, folder / "shifted.c"]
    subprocess.run(command, check=True)
    return Clock(library, folder / "seconds")


@pytest.fixture
def shifted(clock):
    """Call it to run a command with a clock that is wrong; returns exit code and talk."""
    return clock.run


def test_a_lease_goes_by_the_servers_clock(server_place, shifted):
    """A second driver whose own clock is an hour fast is kept out all the same."""
    with open_store(server_place.url) as store:
        server_place.run("search", "tiny.toml", "--trials", "1")
        until = store.acquire("tiny", "elsewhere:1", 120)
    code, talk = shifted(server_place, HOUR, "resume", "tiny", "--trials", "2")
    assert code == 4
    assert f"{until:%Y-%m-%d %H:%M:%S} UTC" in talk


def test_a_clock_set_back_while_nobody_searched_costs_no_measurement(
    file_place, shifted, undisturbed
):
    """The dead lease seems an hour long, which is said; --steal goes on; durations stay right."""
    process = file_place.start("search", "tiny.toml")
    process.reached(3)
    process.kill()
    code, talk = shifted(file_place, -HOUR, "resume", "tiny")
    assert (code, "--steal" in talk) == (4, True)
    code, _ = shifted(file_place, -HOUR, "resume", "tiny", "--steal", zone="Pacific/Auckland")
    assert code == 0
    file_place.sound()
    assert file_place.table() == undisturbed[0]
    with open_store(file_place.url, read_only=True) as store:
        trials = store.trials("tiny")
        assert all(0 < record.seconds < 600 for record in trials)
        last = max(record.finished_at for record in trials[3:] if record.finished_at)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert timedelta(0) < hour_ago - min(last, hour_ago) < timedelta(minutes=5) or last > hour_ago


def test_a_clock_set_forward_ends_a_dead_lease(file_place, shifted):
    """As time does."""
    process = file_place.start("search", "tiny.toml", "--trials", "4")
    process.reached(1)
    process.kill()
    assert shifted(file_place, HOUR, "resume", "tiny")[0] == 0
    file_place.sound()


def test_times_are_utc_whatever_the_time_zone(file_place):
    """A study searched in one zone and read in another has its times where they were."""
    before = datetime.now(UTC)
    file_place.run("search", "tiny.toml", "--trials", "2", TZ="Pacific/Kiritimati")
    after = datetime.now(UTC)
    for zone in ("America/Los_Angeles", "Asia/Kathmandu"):
        file_place.run("status", "tiny", "--json", TZ=zone)
    with open_store(file_place.url, read_only=True) as store:
        study, trials = store.study("tiny"), store.trials("tiny")
    times = [study.created_at, *(t for r in trials for t in (r.started_at, r.finished_at))]
    step = timedelta(milliseconds=1)  # SQLite's clock counts milliseconds
    assert all(before - step <= moment <= after + step for moment in times)


def reached(place, finished):
    """Wait until the search of a place has told of so many trials; Ray starts slowly when busy."""
    end = time.monotonic() + 600
    talk = place.folder / "talk"
    while len(re.findall(r"^[0-9]+/[0-9]+ ", talk.read_text(), re.MULTILINE)) < finished:
        assert time.monotonic() < end, talk.read_text()
        time.sleep(0.01)


@pytest.mark.parametrize("executor", ["serial", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_clock_that_steps_while_a_study_is_searched_changes_nothing(
    place, clock, undisturbed, executor
):
    """An hour on, then two back: nothing is lost, doubled, timed out or measured for an hour."""
    place.isolate()
    study = (place.folder / "tiny.toml").read_text()
    limits = "trial_timeout = 300\nepoch_timeout = 300\n"
    ray = 'executor = "ray"\nworkers = 1\n' if executor == "ray" else ""
    (place.folder / "tiny.toml").write_text(study + limits + ray)
    clock.step(0)
    search = clock.start(place, "search", "tiny.toml", "--trials", "7")
    for finished, seconds in ((2, HOUR), (4, -HOUR)):
        reached(place, finished)
        clock.step(seconds)
    code, talk = search.wait(600), (place.folder / "talk").read_text()
    assert code == 0, talk
    place.sound()
    assert place.table() == undisturbed[0][:7]
    _, alive = psutil.wait_procs(place.processes(), timeout=120)
    assert alive == []
    with open_store(place.url, read_only=True) as store:
        assert all(0 < record.seconds < 300 for record in store.trials("tiny"))
    place.run("report", "tiny")


@pytest.mark.parametrize("change", ["2027-03-28T01:00", "2026-10-25T01:00"])
def test_summer_time_that_begins_or_ends_while_a_study_is_searched_is_not_noticed(
    file_place, clock, undisturbed, change
):
    """Berlin's clocks go from 2 to 3, or from 3 to 2, in mid-search; times go on by seconds."""
    moment = datetime.fromisoformat(change).replace(tzinfo=UTC)
    clock.step((moment - datetime.now(UTC)).total_seconds() - 600)
    search = clock.start(file_place, "search", "tiny.toml", zone="Europe/Berlin")
    reached(file_place, 1)
    clock.step((moment - datetime.now(UTC)).total_seconds() - 0.2)  # the next trials are after it
    assert search.wait(600) == 0, (file_place.folder / "talk").read_text()
    file_place.sound()
    assert file_place.table() == undisturbed[0]
    with open_store(file_place.url, read_only=True) as store:
        trials = store.trials("tiny")
    times = [time for record in trials for time in (record.started_at, record.finished_at)]
    assert times[0] < moment < times[-1]
    assert all(t <= later for t, later in pairwise(times))
    assert times[-1] - moment < timedelta(minutes=5)
    assert all(0 < record.seconds < 300 for record in trials)
