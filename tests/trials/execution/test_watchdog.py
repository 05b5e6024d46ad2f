"""The watchdog beside a worker notes why it ended, and leaves nothing of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trials.execution import watchdog

WORKER = """
import os, signal, subprocess, sys, time
from trials.execution.watchdog import Watchdog, Watch
trial, report = map(float, sys.argv[3:])
watchdog = Watchdog(Watch(sys.argv[1], trial=trial, report=report, counters=[sys.argv[2]]))
watchdog.begin("7-1")
watchdog.run()
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, flush=True)
"""
LONG = 120
"""Seconds that no worker here takes, however busy the machine is."""


@pytest.fixture
def run(tmp_path):
    """Run a worker that ends with some lines of its own; what was noted, and its child."""
    counter = tmp_path / "counter"
    counter.write_text("low 0\noom_kill 3\n", encoding="utf-8")

    def started(*lines, trial=LONG, report=LONG):
        words = ["\n".join([WORKER, *lines]), tmp_path, counter, trial, report]
        done = subprocess.run(
            [sys.executable, "-c", *map(str, words)],
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        end = time.monotonic() + 60
        while (noted := watchdog.read_note(str(tmp_path), "7-1")) is None:
            if "watchdog.end()" in lines or time.monotonic() > end:
                break
            time.sleep(0.05)
        return noted, int(done.stdout)

    return started


def gone(pid):
    """Whether the process ends within a minute."""
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        if "State:\tZ" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8"):
            return True
        time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def test_a_killed_worker_is_noted_with_its_peak_memory_and_its_children_end(run):
    (cause, detail), child = run("time.sleep(1.5)", "watchdog.run()", "time.sleep(1.5)", KILL)
    assert cause == "worker-lost"
    assert "Peak memory" in detail
    assert gone(child)


def test_a_worker_that_dies_before_its_watchdog_has_looked_is_noted_too(run):
    (cause, _), child = run(KILL)
    assert cause == "worker-lost"
    assert gone(child)


def test_a_worker_dead_when_the_kernel_has_killed_for_memory_lacked_memory(run):
    count = "open(sys.argv[2], 'w').write('oom_kill 4')"
    (cause, detail), child = run(count, KILL)
    assert cause == "out-of-memory"
    assert "killed by the kernel" in detail
    assert gone(child)


@pytest.mark.parametrize(
    ("line", "limits", "said"),
    [
        ("time.sleep(1000)", {"report": 0.5}, "Nothing was measured for 0.5 s"),
        (
            "while True: watchdog.rest(); watchdog.run(); time.sleep(0.3)",
            {"trial": 1, "report": 30},
            "more than 1 s",
        ),
    ],
)
def test_time_limits_end_the_group_and_are_noted(run, line, limits, said):
    (cause, detail), child = run(line, **limits)
    assert cause == "timeout"
    assert said in detail
    assert gone(child)


def test_rest_does_not_count_and_an_orderly_end_notes_nothing(run):
    noted, child = run("watchdog.rest()", "time.sleep(4)", "watchdog.end()", trial=3, report=3)
    assert noted is None
    assert gone(child)


ORPHAN = """
import sys, time
from trials.execution.watchdog import Watchdog, Watch
watchdog = Watchdog(Watch(sys.argv[1], orphaned=0.5))
print("ready", flush=True)
time.sleep(1000)
"""
STARTER = """
import subprocess, sys
worker = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, process_group=0)
worker.stdout.readline()
print(worker.pid)
"""


def test_a_worker_that_outlives_what_started_it_is_ended(tmp_path):
    """As one of Ray's does whose node has died, where the clock was set back."""
    done = subprocess.run(
        [sys.executable, "-c", STARTER, "-c", ORPHAN, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert gone(int(done.stdout))


def test_a_watchdog_whose_worker_died_first_harms_nobody(tmp_path):
    """Its parent is another process by then, which must not be taken for the worker."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    bystander = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(1000)"], process_group=0
    )
    try:
        command = [
            sys.executable,
            "-I",
            "-S",
            watchdog.__file__,
            json.dumps({"notes": str(tmp_path)}),
        ]
        subprocess.run(
            [*command, str(dead.pid), "0", "1"], stdin=subprocess.DEVNULL, timeout=600, check=True
        )
        assert bystander.poll() is None
    finally:
        os.killpg(bystander.pid, signal.SIGKILL)
        bystander.wait()


def test_the_kernel_s_count_is_read_from_the_first_source_that_has_it(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    second.write_text("pgfault 12\noom_kill 5\n", encoding="utf-8")
    assert watchdog.oom_kills([str(first), str(second)]) == 5
    first.write_text("oom 9\noom_kill 2\n", encoding="utf-8")
    assert watchdog.oom_kills([str(first), str(second)]) == 2
    assert watchdog.oom_kills([]) == 0
