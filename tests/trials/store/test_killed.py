"""A writer killed at any moment loses nothing acknowledged and leaves nothing half done."""

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from trials.records import TrialState
from trials.store import open_store
from trials.store.check import check

TRIALS = 400
WRITER = """
import os, sys
from trials.area import Area, Point
from trials.pareto import Front
from trials.records import FrontUpdate, Measurement, Outcome, Refusal, Trial, TrialState
from trials.store import open_store
from search_spaces import NetworkConfig

config = NetworkConfig(backbone="resnet8", num_classes=10)
with open_store(sys.argv[1], create=False) as store:
    store.acquire("study", f"host:{os.getpid()}", 60, steal=True)
    done = store.trials("study")
    front = Front(Area(1000, 5000, 0.1))
    for record in done:
        if record.state is TrialState.COMPLETE:
            front.add(Point.of(record.trial.params, record.accuracy, record.number))
    todo = [store.retry("study", r.number) for r in done if not r.state.final]
    for number in range(len(done), 400):
        todo.append(Trial("study", number, config, f"{number:064x}", 1 + number * 37 % 6000, 1, 1))
    print("ready", flush=True)
    for trial in todo:
        if trial.attempt == 1:
            store.begin(trial, {}, {}, {Refusal.KNOWN: 1})
            print("begun", trial.number, 0, flush=True)
        accuracy = trial.number * 61 % 100 / 100
        for epoch in (1, 3, 9):
            measurement = Measurement(epoch, accuracy, 0.01, 1.0, 100, epoch / 2)
            store.measure("study", trial.number, trial.attempt, measurement)
            print("measured", trial.number, epoch, flush=True)
        changed = front.add(Point.of(trial.params, accuracy, trial.number))
        members = tuple(point.number for point in front.members)
        update = FrontUpdate(members, front.hypervolume) if changed else None
        store.finish("study", trial.number, Outcome(TrialState.COMPLETE), update)
        print("finished", trial.number, 0, flush=True)
    store.release("study", f"host:{os.getpid()}")
"""


@pytest.mark.fault
def test_nothing_acknowledged_is_lost(url: str, make_driver: Any) -> None:
    """Six kills at random moments, then to the end: one row for each measurement, fronts right."""
    with open_store(url) as store:
        make_driver(store).create(trials=TRIALS)
    said: set[tuple[str, int, int]] = set()
    moments = random.Random(7)  # noqa: S311 - not a secret
    for kill in range(7):
        said |= _run(url, moments.uniform(0.05, 0.6) if kill < 6 else None)
        with open_store(url, read_only=True) as store:
            measured = {(number, m.epoch) for number, m in store.measurements("study")}
            trials = {record.number: record for record in store.trials("study")}
            assert store.study("study").refused["known"] == len(trials)  # type: ignore[index] # a StrEnum's text
        assert {(n, e) for what, n, e in said if what == "measured"} <= measured
        assert {n for what, n, _ in said if what == "begun"} <= set(trials)
        ended = {n for what, n, _ in said if what == "finished"}
        assert all(trials[number].state is TrialState.COMPLETE for number in ended)
        assert check(url) == []
    # A kill may fall between a commit and its line: what is stored counts here, not what was said.
    assert len(trials) == TRIALS
    assert all(record.state is TrialState.COMPLETE for record in trials.values())
    assert len(measured) == 3 * TRIALS


def _run(url: str, seconds: float | None) -> set[tuple[str, int, int]]:
    """Run the writer, kill it after ``seconds`` of writing, and return what it acknowledged."""
    command = [sys.executable, "-c", WRITER, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if seconds is not None:
            time.sleep(seconds)
            os.kill(process.pid, signal.SIGKILL)
        lines = process.stdout.read().splitlines()
    said = [line.split() for line in lines if line.count(" ") == 2]
    return {(what, int(number), int(epoch)) for what, number, epoch in said}
