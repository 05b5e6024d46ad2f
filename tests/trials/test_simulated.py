"""The simulated executor: closed forms of its clock, and what it passes on."""

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest

from search_spaces import NetworkConfig
from trials.errors import StorageError
from trials.execution.simulated import Simulated, following
from trials.records import Measurement, Trial, TrialState, Verdict


def measured(epoch, seconds, accuracy=0.5):
    return Measurement(epoch, accuracy, 0.01, 1.0, 100, seconds)


class Decider:
    """Hands out a number of trials, stops those it is told to, and keeps what it hears."""

    def __init__(self, trials, stops=()):
        self.left = iter(range(trials))
        self.stops = set(stops)
        self.heard = []
        self.open = set()
        self.most = 0
        self.ends = {}

    def suggest(self):
        number = next(self.left, None)
        if number is None:
            return None
        self.open.add(number)
        self.most = max(self.most, len(self.open))
        return Trial("study", number, NetworkConfig(backbone="resnet8"), str(number), 1, 1, 0)

    def report(self, trial, measurement):
        self.heard.append((trial.number, measurement))
        return Verdict.STOP if (trial.number, measurement.epoch) in self.stops else Verdict.CONTINUE

    def finish(self, trial, outcome):
        self.open.remove(trial.number)
        assert trial.number not in self.ends
        self.ends[trial.number] = outcome

    def retry(self, trial):
        return None if trial.attempt == 3 else replace(trial, attempt=trial.attempt + 1)


@pytest.mark.parametrize(("workers", "trials"), [(1, 5), (3, 9), (7, 3)])
def test_equal_trials_take_as_many_rounds_as_they_fill(workers, trials):
    decider, executor = Decider(trials), Simulated(workers)
    executor(decider, following(lambda _: [measured(1, 4.0), measured(2, 10.0)]))
    assert decider.most == min(workers, trials)
    assert sorted(decider.ends) == list(range(trials))
    assert {outcome.state for outcome in decider.ends.values()} == {TrialState.COMPLETE}
    assert executor.usage.busy == 10.0 * trials
    assert executor.usage.seconds == 10.0 * -(-trials // workers)
    assert executor.usage.busy_share == 1.0


def test_reports_come_in_the_order_of_the_clock_and_workers_take_the_next_trial_when_free():
    lengths = np.random.default_rng(0).uniform(1, 10, 40)
    decider, executor = Decider(40), Simulated(4)
    executor(decider, following(lambda trial: [measured(1, float(lengths[trial.number]))]))
    free = [0.0] * 4
    ends = []
    for number, length in enumerate(lengths):  # each trial begins on the worker free first
        place = free.index(min(free))
        free[place] += length
        ends.append((free[place], number))
    assert [number for number, _ in decider.heard] == [number for _, number in sorted(ends)]
    assert executor.usage.seconds == pytest.approx(max(free))


def test_a_stopped_trial_says_no_more_and_frees_its_worker():
    decider, executor = Decider(2, stops={(0, 1)}), Simulated()
    executor(decider, following(lambda _: [measured(1, 1.0), measured(3, 30.0)]))
    assert [(n, m.epoch) for n, m in decider.heard] == [(0, 1), (1, 1), (1, 3)]
    assert executor.usage.seconds == 31.0


def test_a_training_that_raises_is_heard_until_then_and_fails_alone():
    def measure(trial, report):
        report(measured(1, 1.0))
        if trial.number == 1:
            raise MemoryError("host")
        report(measured(2, 2.0))

    decider = Decider(3)
    Simulated(2)(decider, measure)
    assert sum(number == 1 for number, _ in decider.heard) == 1
    assert decider.ends[1].cause == "out-of-memory"
    assert {decider.ends[number].state for number in (0, 2)} == {TrialState.COMPLETE}


def test_an_error_of_the_study_is_let_out_and_finishes_nothing():
    def measure(_trial, _report):
        raise StorageError("gone", "come back")

    decider = Decider(3)
    with pytest.raises(StorageError):
        Simulated(2)(decider, measure)
    assert decider.ends == {}


def test_a_decider_that_takes_its_time_serves_one_worker_after_the_other():
    ticks = itertools.count()
    executor = Simulated(workers=5, clock=lambda: float(next(ticks)))  # each decision takes 1 s
    executor(Decider(5), following(lambda _: [measured(1, 100.0)]))
    usage = executor.usage
    assert usage.deciding == 5 + 2 * 5 + 1  # the last second is for saying that there is no more
    assert usage.unsuggested == 1 + 2 + 3 + 4 + 5
    assert usage.busy == 500.0
    # Trials end 1 s apart and each end takes 2 s; the first worker asks in vain before the fourth.
    assert usage.unanswered == 2 + 3 + 4 + (5 + 1) + (6 + 1)
    assert usage.seconds == 1 + 100 + 2 * 5 + 1


def test_a_decider_that_takes_no_time_starves_nobody():
    executor = Simulated(8)
    executor(Decider(100), following(lambda trial: [measured(1, 1.0 + trial.number % 3)]))
    assert (executor.usage.starved_share, executor.usage.busy_share) == (0.0, 1.0)


def test_a_lost_attempt_is_followed_by_the_next_on_the_same_worker_until_there_is_none():
    def lost(trial):
        return {0: None, 1: 15.0 if trial.attempt == 1 else None, 2: 5.0}[trial.number]

    decider, executor = Decider(3), Simulated(lost=lost)
    executor(decider, following(lambda _: [measured(1, 10.0), measured(2, 20.0)]))
    heard = [(number, m.epoch) for number, m in decider.heard]
    assert heard == [(0, 1), (0, 2), (1, 1), (1, 1), (1, 2)]
    assert [decider.ends[n].cause for n in range(3)] == [None, None, "worker-lost"]
    assert executor.usage.seconds == 20.0 + (15.0 + 20.0) + 3 * 5.0


def test_an_interrupted_run_leaves_no_training_behind():
    ended = []

    def measure(trial, report):
        try:
            report(measured(1, 1.0 + trial.number))
            if trial.number == 1:
                raise KeyboardInterrupt
            report(measured(2, 9.0))
        finally:
            ended.append(trial.number)

    before = threading.active_count()
    decider = Decider(4)
    with pytest.raises(KeyboardInterrupt):
        Simulated(4)(decider, measure)
    assert threading.active_count() == before
    assert (sorted(ended), decider.ends) == ([0, 1, 2, 3], {})
