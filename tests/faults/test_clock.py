"""Clocks that are wrong, step or stand in other time zones."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from trials.store import open_store

pytestmark = pytest.mark.fault

SHIFTED = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void) { return atol(getenv("KW_CLOCK_SHIFT")); }

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
"""The clock of a process is wrong by so many seconds; its monotonic clock is not."""

HOUR = 3600


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """Call it to run a command with a clock that is wrong; returns exit code and talk."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "shifted.c").write_text(SHIFTED)
    library = folder / "shifted.so"
    command = [compiler, "-shared", "-fPIC", "-o", library, folder / "shifted.c"]
    subprocess.run(command, check=True)

    def run(place, seconds, *words, zone="UTC"):
        given = {"LD_PRELOAD": str(library), "KW_CLOCK_SHIFT": str(seconds), "TZ": zone}
        done = subprocess.run(
            [sys.executable, "-m", "kwsearch", *words, "--database", place.url],
            cwd=place.folder,
            env={**os.environ, **given, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return run


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
