"""Every executor keeps the page `trials.execution.contract`.

Measures are closures, so that they can be sent to another process, and speak through a diary.
"""

import pytest

from trials.errors import DamagedDataError, NonFiniteError, StorageError
from trials.records import Outcome, TrialState, Verdict


def names(decider):
    return [(call, number) for call, number, _ in decider.calls]


@pytest.fixture
def train(diary, measured):
    """A training of three epochs that keeps a diary."""

    def measure(trial, report):
        diary.write("begins", trial.number, trial.attempt)
        for epoch in (1, 2, 3):
            verdict = report(measured(epoch, accuracy=trial.seed / 10))
            diary.write(str(verdict), trial.number, epoch)
            if verdict is verdict.STOP:
                break
        diary.write("returns", trial.number, epoch)

    return measure


def test_every_trial_is_measured_once_and_finished_once_and_none_ends_it(
    executor, script, train, diary, measured
):
    decider = script(trials=4)
    executor(decider, train)
    assert sorted(entry for entry in diary.read() if entry[0] == "begins") == [
        ["begins", number, 1] for number in range(4)
    ]
    assert decider.outcomes() == dict.fromkeys(range(4), Outcome(TrialState.COMPLETE))
    told = [(number, what) for call, number, what in decider.calls if call == "report"]
    assert told == [(n, measured(epoch, n / 10)) for n in range(4) for epoch in (1, 2, 3)]
    assert decider.calls[-1][0] in ("none", "finish")
    assert ("none", None) in names(decider)


def test_an_executor_with_one_worker_asks_only_when_it_has_room(executor, script, train):
    """So the decider has been told everything about a trial before it proposes the next."""
    decider = script(trials=3)
    executor(decider, train)
    one = ["suggest", "report", "report", "report", "finish"]
    assert [call for call, _ in names(decider)] == [*one * 3, "none"]


def test_a_decider_without_trials_ends_it_at_once(executor, script, train, diary):
    decider = script(trials=0)
    executor(decider, train)
    assert (names(decider), diary.read()) == ([("none", None)], [])


def test_a_verdict_to_stop_ends_the_measure_and_reaches_it_before_it_goes_on(
    executor, script, train, diary
):
    def verdict(trial, measurement):
        over = (trial.number, measurement.epoch) in ((0, 1), (2, 2))
        return Verdict.STOP if over else Verdict.CONTINUE

    decider = script(trials=3, verdict=verdict)
    executor(decider, train)
    assert [decider.epochs(number) for number in range(3)] == [[1], [1, 2, 3], [1, 2]]
    assert [entry for entry in diary.read() if entry[0] in ("returns", "stop")] == [
        ["stop", 0, 1],
        ["returns", 0, 1],
        ["returns", 1, 3],
        ["stop", 2, 2],
        ["returns", 2, 2],
    ]
    assert set(decider.outcomes().values()) == {Outcome(TrialState.COMPLETE)}


def test_a_measure_that_raises_fails_its_trial_alone(executor, script, train):
    errors = [
        (ValueError("broken\nline"), "error"),
        (MemoryError("host"), "out-of-memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out-of-memory"),
        (TimeoutError("slow"), "timeout"),
        (NonFiniteError("The loss is nan.", "Lower it."), "non-finite"),
    ]

    def measure(trial, report):
        if 0 < trial.number <= len(errors):
            raise errors[trial.number - 1][0]
        train(trial, report)

    decider = script(trials=7)
    executor(decider, measure)
    outcomes = decider.outcomes()
    assert outcomes.pop(0) == outcomes.pop(6) == Outcome(TrialState.COMPLETE)
    for (_, cause), outcome in zip(errors, outcomes.values(), strict=True):
        assert (outcome.state, outcome.cause) == (TrialState.FAILED, cause)
        assert "\n" not in outcome.detail
        assert ("Peak memory" in outcome.detail) == (cause == "out-of-memory")


class Gone(BaseException):
    """No Exception, as SystemExit is none."""


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), Gone("away")])
def test_whatever_else_a_measure_raises_is_its_outcome(executor, script, train, error):
    def measure(trial, report):
        if trial.number == 1:
            raise error
        train(trial, report)

    decider = script(trials=3)
    executor(decider, measure)
    outcomes = decider.outcomes()
    assert (outcomes[1].state, outcomes[1].cause) == (TrialState.FAILED, "error")
    assert type(error).__name__ in outcomes[1].detail
    assert outcomes[0] == outcomes[2] == Outcome(TrialState.COMPLETE)


ENDINGS = {
    "os._exit": "os._exit(0)",
    "a segmentation fault": "import ctypes; ctypes.string_at(0)",
    "a kill": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_trial_that_ends_its_process_is_tried_again_and_ends_no_other(
    executor_of_processes, script, train, ending
):
    """As often as the decider allows, then it has failed."""
    code = ENDINGS[ending]

    def measure(trial, report):
        if trial.number == 1:
            exec(f"import os; {code}")  # noqa: S102 - ours
        train(trial, report)

    decider = script(trials=3, losses=1)
    executor_of_processes(decider, measure)
    assert [given for call, _, given in decider.calls if call == "retry"] == [1, 2]
    outcomes = decider.outcomes()
    assert (outcomes[1].state, outcomes[1].cause) == (TrialState.FAILED, "worker-lost")
    assert outcomes[0] == outcomes[2] == Outcome(TrialState.COMPLETE)


def test_a_report_that_the_decider_refuses_fails_its_trial_alone(executor, script, train):
    def verdict(trial, measurement):
        if (trial.number, measurement.epoch) == (1, 2):
            raise NonFiniteError("Accuracy is nan.", "Lower the learning rate.")
        return Verdict.CONTINUE

    decider = script(trials=3, verdict=verdict)
    executor(decider, train)
    outcomes = decider.outcomes()
    assert outcomes[1].cause == "non-finite"
    assert outcomes[0] == outcomes[2] == Outcome(TrialState.COMPLETE)
    assert decider.epochs(1) == [1, 2]


def test_an_error_of_the_study_gets_out_of_a_measure(executor, script, train):
    def measure(trial, report):
        if trial.number == 2:
            raise DamagedDataError("The images have changed.", "Put them back.")
        train(trial, report)

    decider = script(trials=4)
    with pytest.raises(DamagedDataError) as caught:
        executor(decider, measure)
    assert (caught.value.cause, caught.value.cure) == ("The images have changed.", "Put them back.")
    assert list(decider.outcomes()) == [0, 1]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("suggest", StorageError("gone", "come back")),
        ("report", KeyboardInterrupt()),
        ("finish", StorageError("gone", "come back")),
    ],
)
def test_what_the_decider_raises_gets_out_and_finishes_nothing_more(
    executor, script, train, call, error
):
    decider = script(trials=4)
    once = getattr(decider, call)

    def raising(*given):
        answer = once(*given)
        if sum(name == call for name, _, _ in decider.calls) == 2:
            raise error
        return answer

    setattr(decider, call, raising)
    with pytest.raises(type(error)):
        executor(decider, train)
    last = {"suggest": ("suggest", 1), "report": ("report", 0), "finish": ("finish", 1)}[call]
    assert names(decider)[-1] == last
