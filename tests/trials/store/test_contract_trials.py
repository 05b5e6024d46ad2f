"""The contract of a store: trials, measurements and counts."""

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_spaces import NetworkConfig
from search_spaces.errors import InputError
from trials.records import Decision, Measurement, Outcome, Refusal, Trial, TrialState
from trials.store import Store, open_store


def test_a_begun_trial_is_running_and_comes_back_whole(store: Store, driver: Any) -> None:
    """Configuration, choices and what the sampler wants back survive."""
    config = NetworkConfig(
        backbone="resnet8",
        granularity="stage",
        cell_num_ratio=(0.1, 1.0, 4.0),
        sharing_range=("layer", "conv"),
        spatial_partition=False,
    )
    trial = Trial("study", 0, config, "ab" * 32, 2**40, 2**50, 2**63 - 1)
    values = {"a": 0.1, "b": 3, "c": "stage", "d": True}
    state = {"params": {"a": [1, 2.5, None]}, "ü": "x"}
    driver.store.begin(trial, values, state, {}, "host:7")
    record = store.trial("study", 0)
    assert record.trial == trial
    assert (record.values, record.sampler_state) == (values, state)
    assert (record.state, record.worker, record.cause) == (TrialState.RUNNING, "host:7", None)
    assert (record.epochs, record.accuracy, record.seconds) == (0, None, 0.0)
    assert record.started_at.tzinfo is UTC
    assert record.finished_at is record.hypervolume is None


def test_numbers_have_no_gaps_and_end_with_the_budget(store: Store, driver: Any) -> None:
    """A number out of turn, or beyond what the study asks for, is refused."""
    store.set_trials("study", 2)
    for wrong in (1, -1, 5):
        with pytest.raises(InputError, match="begun 0 of 2"):
            driver.begin(wrong)
    driver.begin(0)
    with pytest.raises(InputError):
        driver.begin(0)
    driver.begin(1)
    with pytest.raises(InputError, match="begun 2 of 2"):
        driver.begin(2)
    with pytest.raises(InputError, match="it has begun 2"):
        store.set_trials("study", 1)
    assert [record.number for record in store.trials("study")] == [0, 1]


def test_a_digest_is_measured_once(store: Store, driver: Any) -> None:
    """A refused begin leaves no trace, not even its refusals."""
    driver.begin(0)
    twin = Trial("study", 1, driver.trial(1).config, driver.trial(0).digest, 1, 1, 1)
    with pytest.raises(InputError, match="digest of trial 0"):
        store.begin(twin, {}, {}, {Refusal.KNOWN: 7})
    assert store.study("study").refused[Refusal.KNOWN] == 0
    assert store.known_digests("study") == {driver.trial(0).digest: 0}


def test_another_study_may_measure_the_same_digest(store: Store, make_driver: Any) -> None:
    """Uniqueness ends at the study."""
    for name in ("a", "b"):
        driver = make_driver(store, name)
        driver.create()
        driver.complete(0, 1000, 0.5)
    assert store.known_digests("a") == store.known_digests("b")
    assert len(store.trials("a")) == 1


def test_refusals_add_up(store: Store, driver: Any) -> None:
    """With a trial or without."""
    driver.begin(0, refused={Refusal.KNOWN: 2, Refusal.OVER_BUDGET: 1})
    store.add_refused("study", {Refusal.KNOWN: 3})
    driver.begin(1, refused={Refusal.INFEASIBLE: 4})
    assert store.study("study").refused == {
        Refusal.INFEASIBLE: 4,
        Refusal.OVER_BUDGET: 1,
        Refusal.UNDER_BUDGET: 0,
        Refusal.OVER_LATENCY: 0,
        Refusal.UNDER_LATENCY: 0,
        Refusal.KNOWN: 5,
    }


def test_measurements_come_back_in_order(store: Store, driver: Any, make_measurement: Any) -> None:
    """By trial and epoch, whatever the order they were taken in."""
    driver.begin(0)
    driver.begin(1)
    driver.measure(1, 0.25, (1, 3))
    driver.measure(0, 0.5, (1,))
    found = store.measurements("study")
    expected = [(0, 1, 0.5), (1, 1, 0.25), (1, 3, 0.25)]
    assert [(number, m.epoch, m.accuracy) for number, m in found] == expected
    assert store.measurements("study", 1) == [
        (1, make_measurement(1, 0.25)),
        (1, make_measurement(3, 0.25)),
    ]


def test_a_trial_repeats_its_last_measurement(
    store: Store, driver: Any, make_measurement: Any
) -> None:
    """An epoch that comes late does not turn it back."""
    driver.begin(0)
    assert store.measure("study", 0, 1, make_measurement(3, 0.75, loss=0.5))
    assert store.measure("study", 0, 1, make_measurement(1, 0.25))
    record = store.trial("study", 0)
    assert (record.epochs, record.accuracy, record.loss, record.seconds) == (3, 0.75, 0.5, 1.5)
    assert record.accuracy_error == 0.05
    study = store.study("study")
    assert (study.epochs, study.seconds) == (3, 1.5)


def test_an_epoch_is_measured_once(store: Store, driver: Any, make_measurement: Any) -> None:
    """A repeat is no error, changes nothing and counts nothing."""
    driver.begin(0)
    driver.measure(0, 0.5, (1, 3))
    store.retry("study", 0)
    before = store.trial("study", 0), store.study("study"), store.measurements("study")
    assert not store.measure("study", 0, 2, make_measurement(3, 0.5, seconds=99.0))
    assert (store.trial("study", 0), store.study("study"), store.measurements("study")) == before


@pytest.mark.parametrize("field", ["accuracy", "accuracy_error", "loss", "seconds"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_only_finite_numbers_are_kept(
    store: Store, driver: Any, make_measurement: Any, field: str, value: float
) -> None:
    """Infinity would win every front."""
    driver.begin(0)
    with pytest.raises(InputError, match="non-finite"):
        store.measure("study", 0, 1, make_measurement(1, **{field: value}))
    assert store.measurements("study") == []


def test_an_attempt_that_never_was_cannot_measure(
    store: Store, driver: Any, make_measurement: Any
) -> None:
    """An earlier one can: training is deterministic, so it measures the same."""
    driver.begin(0)
    for wrong in (0, 2):
        with pytest.raises(InputError, match="handed out 1 time;"):
            store.measure("study", 0, wrong, make_measurement(1))
    store.retry("study", 0)
    assert store.measure("study", 0, 1, make_measurement(1))
    assert store.measure("study", 0, 2, make_measurement(3))


def test_an_open_trial_is_given_back_and_handed_out_again(store: Store, driver: Any) -> None:
    """Waiting, then running with one attempt more; what it measured stays."""
    driver.begin(0)
    driver.begin(1)
    driver.measure(0, 0.5, (1,))
    store.give_back("study", [0, 1])
    assert store.study("study").states[TrialState.WAITING] == 2
    trial = store.retry("study", 0, "other:9")
    assert trial == driver.trial(0, attempt=2)
    record = store.trial("study", 0)
    assert (record.state, record.worker, record.epochs) == (TrialState.RUNNING, "other:9", 1)
    assert store.retry("study", 0).attempt == 3
    states = store.study("study").states
    assert (states[TrialState.WAITING], states[TrialState.RUNNING]) == (1, 1)


def test_giving_back_is_all_or_nothing(store: Store, driver: Any) -> None:
    """One finished trial among them, and none waits."""
    driver.begin(0)
    driver.complete(1, 1000, 0.5)
    with pytest.raises(InputError, match="complete already"):
        store.give_back("study", [0, 1])
    assert store.trial("study", 0).state is TrialState.RUNNING


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED])
def test_a_finished_trial_never_changes(
    store: Store, driver: Any, make_measurement: Any, state: TrialState
) -> None:
    """Not by a late measurement, a second end, another attempt or being given back."""
    driver.begin(0)
    driver.measure(0, 0.5, (1,))
    store.finish("study", 0, Outcome(state, "cause", "one line"), None)
    before = store.trial("study", 0)
    assert (before.state, before.cause, before.detail) == (state, "cause", "one line")
    assert before.finished_at is not None
    assert before.finished_at >= before.started_at
    assert before.hypervolume == 0.0
    changes: list[Any] = [
        lambda: store.measure("study", 0, 1, make_measurement(3)),
        lambda: store.finish("study", 0, Outcome(TrialState.FAILED), None),
        lambda: store.retry("study", 0),
        lambda: store.give_back("study", [0]),
    ]
    for change in changes:
        with pytest.raises(InputError, match=f"{state} already"):
            change()
    assert store.trial("study", 0) == before


def test_a_trial_ends_in_a_final_state(store: Store, driver: Any) -> None:
    """Waiting and running are no ends."""
    driver.begin(0)
    for state in (TrialState.WAITING, TrialState.RUNNING):
        with pytest.raises(InputError, match="cannot end"):
            store.finish("study", 0, Outcome(state), None)


@pytest.mark.parametrize("number", [-1, 1, 2**31, 2**63, 10**30])
def test_an_unknown_trial_is_an_input_error(store: Store, driver: Any, number: int) -> None:
    """Whatever the size of the number."""
    driver.begin(0)
    with pytest.raises(InputError, match="0 to 0"):
        store.trial("study", number)
    with pytest.raises(InputError, match="no trial"):
        store.retry("study", number)


def test_text_that_no_database_can_hold_is_made_harmless(store: Store, driver: Any) -> None:
    """NUL and lone surrogates are replaced; everything else stays text."""
    driver.begin(0, worker="h\0st:1")
    outcome = Outcome(TrialState.FAILED, "'; DROP TABLE kw_trial; --", "<script>\udcff\x1b[31m")
    store.finish("study", 0, outcome, None)
    record = store.trial("study", 0)
    assert record.worker == "h\ufffdst:1"
    assert record.cause == "'; DROP TABLE kw_trial; --"
    assert record.detail == "<script>?\x1b[31m"


def test_trials_can_be_chosen(store: Store, driver: Any) -> None:
    """By state, and page by page."""
    for number in range(6):
        driver.begin(number)
    for number in (1, 3):
        driver.finish(number, TrialState.FAILED)
    driver.finish(4, TrialState.STOPPED)

    def numbers(**choice: Any) -> list[int]:
        return [record.number for record in store.trials("study", **choice)]

    assert numbers() == [0, 1, 2, 3, 4, 5]
    assert numbers(limit=2, offset=3) == [3, 4]
    assert numbers(offset=6) == []
    assert numbers(states=[TrialState.FAILED]) == [1, 3]
    assert numbers(states=[TrialState.FAILED, TrialState.STOPPED], limit=2, offset=1) == [3, 4]
    assert numbers(states=[]) == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "again", "give back", "measure", "finish"]),
        st.integers(0, 5),
        st.sampled_from([1, 3, 9]),
        st.sampled_from([TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED]),
    ),
    max_size=25,
)


@settings(
    max_examples=25,
    # The fixtures are functions that make something new at each call.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_counts_equal_what_is_counted(
    folder: Path,
    make_driver: Any,
    make_measurement: Any,
    steps: list[tuple[str, int, int, TrialState]],
) -> None:
    """After any sequence of calls, refused ones included."""
    with open_store(folder / f"{len(list(folder.iterdir()))}.db") as store:
        driver = make_driver(store)
        driver.create(trials=5)
        actions: dict[str, Any] = {
            "begin": lambda n, _e, _s: driver.begin(n, refused={Refusal.KNOWN: 1}),
            "again": lambda n, _e, _s: store.retry("study", n),
            "give back": lambda n, _e, _s: store.give_back("study", [n]),
            "measure": lambda n, e, _s: store.measure("study", n, 1, make_measurement(e)),
            "finish": lambda n, _e, s: driver.finish(n, s),
        }
        for name, number, epoch, state in steps:
            try:
                actions[name](number, epoch, state)
            except InputError:
                continue
        study, trials = store.study("study"), store.trials("study")
        for state in TrialState:
            assert study.states[state] == sum(record.state is state for record in trials)
        assert study.epochs == sum(record.epochs for record in trials)
        assert study.seconds == sum(record.seconds for record in trials)
        assert study.refused[Refusal.KNOWN] == len(trials)
        last: dict[int, int] = {number: m.epoch for number, m in store.measurements("study")}
        assert {r.number: r.epochs for r in trials if r.epochs} == last


def test_a_stopped_trial_that_is_thawed_runs_again_and_ends_last(store: Store, driver: Any) -> None:
    """Its decision is replaced, and the order of finishing has no gap at any time."""
    for number in range(3):
        driver.begin(number)
        stays = Decision(goes_on=False, reason="Paused.")
        store.measure("study", number, 1, Measurement(1, 0.5, 0.01, 1.0, 100, 1.0), stays)
        stopped = Outcome(TrialState.STOPPED, "promotion", "Paused.")
        store.finish("study", number, stopped, None)
    thawed = Decision(goes_on=True, reason="Paused. Later: it promises more.")
    trial = store.thaw("study", 1, thawed, "host:8")
    assert (trial.number, trial.attempt) == (1, 2)
    record = store.trial("study", 1)
    assert (record.state, record.worker, record.epochs) == (TrialState.RUNNING, "host:8", 1)
    assert record.cause is record.detail is record.finished_at is record.finish_order is None
    assert store.decisions("study", 1) == {1: thawed}
    assert [store.trial("study", number).finish_order for number in (0, 2)] == [0, 1]
    assert store.study("study").states[TrialState.STOPPED] == 2
    store.finish("study", 1, Outcome(TrialState.STOPPED, "promotion", "Paused again."), None)
    assert [past.number for past in store.history("study")] == [0, 2, 1]


def test_only_a_stopped_trial_is_thawed(store: Store, driver: Any) -> None:
    driver.begin(0)
    for _ in range(2):
        with pytest.raises(InputError, match="cannot be thawed"):
            store.thaw("study", 0, Decision(goes_on=True, reason="It promises more."))
        if store.trial("study", 0).state is TrialState.RUNNING:
            store.finish("study", 0, Outcome(TrialState.FAILED, "error", "It broke."), None)
