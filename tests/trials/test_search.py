"""The search with made-up measurements: decisions, refusals, resuming, fronts."""

from collections import Counter
from dataclasses import replace
from functools import partial

import moocore
import numpy as np
import pytest

from search_spaces import InfeasibleError, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.latency import Latency
from search_spaces.space import Space
from trials.area import Area
from trials.checkpoints import Checkpoints
from trials.costs import Cost
from trials.errors import NothingFeasibleError, StorageError
from trials.execution import Simulated, outcome_of, run_serially
from trials.fidelity import Ladder
from trials.files import file_sha256
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, Refusal, TrialState, Verdict
from trials.sampling import exact, guided
from trials.search import Search, require_member, trial_seed
from trials.store import open_store
from trials.store.check import check, examine

LADDER = Ladder((1, 3))
SPACE = Space(
    shipped("resnet8", 10, 1, (8, 8)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
        "cell_outplane_ratio": Options((0.25, 0.5, 0.7, 1.0)),  # 0.7 cannot be built
        "sharing_range": Options(("none", "layer", "stage", "network")),
    },
)
LIMITS = Limits(min_params=10_000, max_params=200_000)
AREA = Area(1_000, 200_000, 0.1)
HALVING = Halving(eta=3, low=10_000, high=200_000)


def learn(trial, report):
    """A made-up training: larger networks are better, a little luck comes from the seed."""
    luck = np.random.default_rng(trial.seed).uniform(0, 0.1)
    for epoch in LADDER.rungs:
        accuracy = 0.1 * np.log10(trial.params) + luck + 0.05 * epoch
        verdict = report(Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, 0.5 * epoch))
        if verdict is Verdict.STOP:
            return


def measured_at(trial, epoch):
    """A made-up measurement of a trial: later networks are worse."""
    return Measurement(epoch, 0.9 - trial.number / 100, 0.01, 0.5, 100, 0.5 * epoch)


def new_study(store, name="study", trials=12, seed=0):
    return store.create_study(NewStudy(name, {}, SPACE.backbone, seed, trials, *AREA))


def open_search(store, study, sampler="tpe", space=SPACE, halving=None, **more):
    study = store.study(study.name)
    return Search(store, study, space, LIMITS, LADDER, sampler, "test:1", halving, **more)


@pytest.fixture(autouse=True)
def _few_candidates(monkeypatch):
    monkeypatch.setattr(exact, "CANDIDATES", 3_000)


@pytest.fixture
def store(quick_path):
    with open_store(str(quick_path / "kwsearch.db")) as opened:
        yield opened


def table(store, name="study"):
    return [
        (r.number, r.trial.digest, r.trial.params, r.trial.seed, r.state, r.accuracy, r.epochs)
        for r in store.trials(name)
    ]


def test_a_search_ends_with_its_trials_all_different_and_inside_the_budget(store):
    run_serially(open_search(store, new_study(store)), learn)
    records = store.trials("study")
    assert [record.number for record in records] == list(range(12))
    assert {record.state for record in records} == {TrialState.COMPLETE}
    assert len({record.trial.digest for record in records}) == 12
    assert all(10_000 <= record.trial.params <= 200_000 for record in records)
    assert all(record.epochs == 3 for record in records)
    assert len(store.measurements("study")) == 24


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "exact", "random", "qmc"])
def test_the_same_study_twice_gives_the_same_table(store, sampler):
    for name in ("one", "other"):
        run_serially(open_search(store, new_study(store, name), sampler), learn)
    assert table(store, "one") == table(store, "other")


@pytest.mark.parametrize("halving", [None, HALVING])
def test_one_simulated_worker_decides_as_the_serial_executor_does(store, halving):
    run_serially(open_search(store, new_study(store, "one"), halving=halving), learn)
    Simulated()(open_search(store, new_study(store, "other"), halving=halving), learn)
    assert table(store, "one") == table(store, "other")
    assert [r.hypervolume for r in store.trials("one")] == [
        r.hypervolume for r in store.trials("other")
    ]


def test_another_seed_gives_another_table(store):
    for seed, name in enumerate(("one", "other")):
        run_serially(open_search(store, new_study(store, name, seed=seed)), learn)
    assert table(store, "one") != table(store, "other")


@pytest.mark.parametrize("halving", [None, HALVING])
@pytest.mark.parametrize("when", [0, 3, 11])
def test_a_search_interrupted_anywhere_and_resumed_ends_as_if_it_had_not_been(store, when, halving):
    run_serially(open_search(store, new_study(store, "whole"), halving=halving), learn)

    def interrupted(trial, report):
        def report_and_stop(measurement):
            report(measurement)
            raise KeyboardInterrupt

        learn(trial, report_and_stop if (trial.number, trial.attempt) == (when, 1) else report)

    new_study(store, "study")
    search = open_search(store, store.study("study"), halving=halving)
    with pytest.raises(KeyboardInterrupt):
        run_serially(search, interrupted)
    search.give_back()
    assert store.trial("study", when).state is TrialState.WAITING
    run_serially(open_search(store, store.study("study"), halving=halving), learn)
    assert table(store) == table(store, "whole")


def test_a_trial_told_to_stop_that_then_fails_has_not_gone_on_after_a_resume(store):
    """What its rung decided is read back, not guessed from how it ended."""
    new_study(store)
    search = open_search(store, store.study("study"), halving=HALVING)
    told = []

    def breaks(trial, report):
        def note(measurement):
            told.append((trial.number, report(measurement)))
            return told[-1][1]

        learn(trial, note)
        if told[-1][1] is Verdict.STOP:
            raise RuntimeError

    run_serially(search, breaks)
    stopped = {number for number, verdict in told if verdict is Verdict.STOP}
    assert stopped == {r.number for r in store.trials("study", states=[TrialState.FAILED])}
    assert stopped
    before = {entry.number: entry.went_on for entry in search._rungs[1]}
    assert {number for number, went_on in before.items() if not went_on} == stopped
    again = open_search(store, store.study("study"), halving=HALVING)
    assert {entry.number: entry.went_on for entry in again._rungs[1]} == before
    assert check(store) == []


def test_a_decision_is_made_once_whatever_is_measured_between_attempts(store):
    """A trial interrupted after its rung is answered alike, with the same reason, when resumed."""
    new_study(store)
    search = open_search(store, store.study("study"), halving=HALVING)
    trials = [search.suggest() for _ in range(8)]
    verdicts = {t.number: search.report(t, measured_at(t, 1)) for t in trials}
    assert set(verdicts.values()) == {Verdict.CONTINUE, Verdict.STOP}
    reasons = {t.number: store.decisions("study", t.number)[1] for t in trials}
    search.give_back()
    search = open_search(store, store.study("study"), halving=HALVING)
    again = [search.suggest() for _ in range(8)]
    assert {t.attempt for t in again} == {2}
    for trial in reversed(again):
        assert search.report(trial, measured_at(trial, 1)) is verdicts[trial.number]
        assert store.decisions("study", trial.number) == {1: reasons[trial.number]}
    assert len(search._rungs[1]) == 8


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_search_that_forgot_much_is_resumed_as_if_it_had_not_been(store, monkeypatch, sampler):
    monkeypatch.setattr(guided, "EVIDENCE", 22)
    new_study(store, "whole", trials=46)
    run_serially(open_search(store, store.study("whole"), sampler, halving=HALVING), learn)
    new_study(store, trials=24)
    for trials in (24, 45, 46):
        store.set_trials("study", trials)
        run_serially(open_search(store, store.study("study"), sampler, halving=HALVING), learn)
    assert table(store) == table(store, "whole")


@pytest.mark.parametrize("when", [3, 11, 13])
def test_a_search_by_exact_refuses_nothing_and_is_resumed_as_if_never_interrupted(store, when):
    """Halving stops trials, and one fails: its network is not proposed again either way."""

    def fails(trial, report):
        if trial.number == 2:
            raise RuntimeError
        if (trial.number, trial.attempt, dies) == (when, 1, True):
            raise KeyboardInterrupt
        learn(trial, report)

    dies = False
    new_study(store, "whole", trials=18)
    run_serially(open_search(store, store.study("whole"), "exact", halving=HALVING), fails)
    dies = True
    new_study(store, trials=18)
    search = open_search(store, store.study("study"), "exact", halving=HALVING)
    with pytest.raises(KeyboardInterrupt):
        run_serially(search, fails)
    search.give_back()
    run_serially(open_search(store, store.study("study"), "exact", halving=HALVING), fails)
    assert table(store) == table(store, "whole")
    assert not +Counter(store.study("study").refused)
    assert len({record.trial.digest for record in store.trials("study")}) == 18


def test_a_hundred_simulated_workers_by_exact_train_no_network_twice(store):
    for name in ("one", "other"):
        search = open_search(store, new_study(store, name, trials=130), "exact", halving=HALVING)
        Simulated(workers=100)(search, learn)
    assert table(store, "one") == table(store, "other")
    assert len({record.trial.digest for record in store.trials("one")}) == 130
    assert not +Counter(store.study("one").refused)


def test_a_study_that_died_without_a_word_goes_on_too(store):
    search = open_search(store, new_study(store))
    learned = search.suggest()
    learn(learned, lambda m: search.report(learned, m))
    # the process dies here: nothing is given back
    run_serially(open_search(store, store.study("study")), learn)
    records = store.trials("study")
    assert {record.state for record in records} == {TrialState.COMPLETE}
    assert len(records) == 12
    assert records[0].trial.attempt == 2


def test_a_finished_study_goes_on_to_a_larger_number_of_trials(store):
    run_serially(open_search(store, new_study(store, trials=5)), learn)
    assert open_search(store, store.study("study")).suggest() is None
    store.set_trials("study", 9)
    run_serially(open_search(store, store.study("study")), learn)
    assert len(store.trials("study")) == 9
    run_serially(open_search(store, new_study(store, "whole", trials=9)), learn)
    assert table(store) == table(store, "whole")


def test_refused_proposals_are_counted_and_never_become_trials(store):
    run_serially(open_search(store, new_study(store, trials=30), "random"), learn)
    refused = store.study("study").refused
    assert refused[Refusal.INFEASIBLE] > 0
    assert refused[Refusal.OVER_BUDGET] > 0
    assert len(store.trials("study")) == 30


def test_a_space_with_few_networks_is_exhausted_and_says_so(store):
    space = Space(SPACE.backbone, {"cell_num_ratio": Options((0.25, 0.5))})
    search = open_search(store, new_study(store), "tpe", space)
    run_serially(search, learn)
    assert search.exhausted
    assert len(store.trials("study")) == 2
    assert store.study("study").refused[Refusal.KNOWN] >= 2000


def test_a_sampler_that_lists_networks_knows_when_none_is_left(store):
    space = Space(SPACE.backbone, {"cell_num_ratio": Options((0.25, 0.5))})
    search = open_search(store, new_study(store), "exact", space)
    run_serially(search, learn)
    assert search.exhausted
    assert len(store.trials("study")) == 2
    assert not sum(store.study("study").refused.values())
    resumed = open_search(store, store.study("study"), "exact", space)
    assert resumed.suggest() is None
    assert not sum(store.study("study").refused.values())


@pytest.mark.parametrize("plateau", [None, 1e-9, 0.05])
def test_a_search_ends_on_a_plateau_with_what_its_model_expects_of_the_rest(store, plateau):
    """Accuracy is a function of size alone, so after some trials there is little to gain."""

    def smooth(trial, report):
        for epoch in LADDER.rungs:
            accuracy = 0.12 * np.log10(trial.params) + 0.02 * epoch
            report(Measurement(epoch, accuracy, 0.001, 1 - accuracy, 100_000, 0.5 * epoch))

    search = open_search(store, new_study(store, trials=25), "exact", plateau=plateau)
    run_serially(search, smooth)
    made = len(store.trials("study"))
    resumed = open_search(store, store.study("study"), "exact", plateau=plateau)
    assert resumed.suggest() is None  # it stays at its end
    if made < 25:
        assert made >= 10
        assert search.expected < plateau
        assert resumed.expected == pytest.approx(search.expected, abs=plateau)
    else:
        assert search.expected is None
    assert (made < 25) is (plateau == 0.05)
    assert examine(store).faults == ()


def test_the_stored_front_is_what_moocore_finds_in_the_trials(store):
    run_serially(open_search(store, new_study(store, trials=20)), learn)
    records = store.trials("study")
    points = np.array([(r.trial.params, 1 - r.accuracy) for r in records])
    kept = moocore.is_nondominated(points)
    assert sorted(r.number for r in store.front("study")) == np.flatnonzero(kept).tolist()
    logs = np.column_stack([np.log(np.maximum(points[:, 0], AREA.low) / AREA.low), points[:, 1]])
    corner = np.log(AREA.high / AREA.low), 1 - AREA.floor

    def share(of):
        return pytest.approx(moocore.hypervolume(of, ref=corner) / np.prod(corner))

    assert store.study("study").hypervolume == share(logs)
    for record in records:  # and so at every moment of the study
        assert record.hypervolume == share(logs[: record.number + 1])


@pytest.mark.parametrize("accuracy", [float("nan"), float("inf")])
def test_a_measurement_that_is_no_number_fails_its_trial_alone(store, accuracy):
    def measure(trial, report):
        if trial.number == 2:
            report(Measurement(1, accuracy, 0.0, 1.0, 100, 1.0))
        learn(trial, report)

    run_serially(open_search(store, new_study(store, trials=5)), measure)
    failed = store.trial("study", 2)
    assert (failed.state, failed.cause) == (TrialState.FAILED, "non-finite")
    assert store.study("study").states[TrialState.COMPLETE] == 4
    assert 2 not in [record.number for record in store.front("study")]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError("host"), "out-of-memory"),
        (TimeoutError("slow"), "timeout"),
        (ValueError("broken\nline"), "error"),
        (InfeasibleError("no", "yes"), "error"),
    ],
)
def test_a_training_that_raises_is_remembered_by_its_cause(store, error, cause):
    def measure(trial, report):
        if trial.number == 1:
            raise error
        learn(trial, report)

    run_serially(open_search(store, new_study(store, trials=3)), measure)
    failed = store.trial("study", 1)
    assert (failed.state, failed.cause) == (TrialState.FAILED, cause)
    assert "\n" not in failed.detail


def test_a_training_that_ends_early_is_not_complete(store):
    def measure(_trial, report):
        report(Measurement(1, 0.5, 0.01, 0.5, 100, 1.0))

    run_serially(open_search(store, new_study(store, trials=1)), measure)
    assert store.trial("study", 0).cause == "incomplete"
    assert store.front("study") == []


def test_an_error_of_the_storage_ends_the_run_and_fails_no_trial(store):
    def measure(_trial, _report):
        raise StorageError("gone", "come back")

    with pytest.raises(StorageError):
        run_serially(open_search(store, new_study(store)), measure)
    assert store.trial("study", 0).state is TrialState.RUNNING


def test_halving_stops_most_trials_early_with_a_reason_and_keeps_them_off_the_front(store):
    run_serially(open_search(store, new_study(store, trials=30), halving=HALVING), learn)
    records = store.trials("study")
    stopped = [record for record in records if record.state is TrialState.STOPPED]
    assert len(stopped) > 8
    assert all(record.epochs == 1 for record in stopped)
    assert all(record.cause == "promotion" and "Place" in record.detail for record in stopped)
    on_front = {record.number for record in store.front("study")}
    assert not on_front & {record.number for record in stopped}


def test_progress_is_told_after_each_trial(store):
    seen = []
    search = open_search(store, new_study(store, trials=4))
    search.watch = seen.append
    run_serially(search, learn)
    assert [progress.finished for progress in seen] == [1, 2, 3, 4]
    assert all(0 < progress.hypervolume < 1 for progress in seen)
    assert seen[-1].best_accuracy == max(r.accuracy for r in store.trials("study"))


def test_an_impossible_budget_is_refused_naming_the_smallest_network():
    with pytest.raises(NothingFeasibleError, match="smallest has") as caught:
        require_member(SPACE, Limits(max_params=1000), 0)
    assert caught.value.exit_code == 6
    assert "max_params = 1,000" in caught.value.cause
    require_member(SPACE, LIMITS, 0)


def test_a_budget_between_the_sizes_of_a_space_is_refused_naming_what_they_are():
    space = Space(SPACE.backbone, {"cell_num_ratio": Options((0.5, 2.0))})
    sizes = [space.count({"cell_num_ratio": ratio}).params for ratio in (0.5, 2.0)]
    with pytest.raises(NothingFeasibleError, match="looked at") as caught:
        require_member(space, Limits(min_params=sizes[0] + 1, max_params=sizes[1] - 1), 0)
    assert f"{sizes[0]:,} to {sizes[1]:,} parameters" in caught.value.cause
    assert "Widen the budget" in caught.value.cure


def test_seeds_of_trials_depend_on_study_seed_and_network():
    assert trial_seed(0, "a") == trial_seed(0, "a")
    assert len({trial_seed(s, d) for s in range(20) for d in "abc"}) == 60


def test_a_lost_attempt_is_followed_by_the_next_until_there_were_enough(store):
    search = open_search(store, new_study(store))
    search.max_failures = 2
    attempts = [search.suggest()]
    while (following := search.retry(attempts[-1])) is not None:
        assert store.trial("study", 0).trial == following
        attempts.append(following)
    assert [trial.attempt for trial in attempts] == [1, 2, 3]
    assert len({trial.seed for trial in attempts}) == 1


def test_a_trial_that_ends_its_search_is_not_tried_without_limit(store):
    """Attempts count across searches, whichever process died; then the search goes on without."""
    new_study(store, trials=3)
    # each search dies with the trial: nothing is given back
    attempts = [open_search(store, store.study("study")).suggest() for _ in range(3)]
    assert [(trial.number, trial.attempt) for trial in attempts] == [(0, 1), (0, 2), (0, 3)]
    run_serially(open_search(store, store.study("study")), learn)
    records = store.trials("study")
    assert (records[0].state, records[0].cause) == (TrialState.FAILED, "worker-lost")
    assert records[0].trial.attempt == 3
    assert {record.state for record in records[1:]} == {TrialState.COMPLETE}


def test_an_attempt_that_measures_something_new_begins_the_count_of_lost_ones_again(store):
    new_study(store, trials=1)
    for epochs in (0, 1, 1, 1, 2, 2):
        search = open_search(store, store.study("study"))
        trial = search.suggest()
        said = []
        learn(trial, lambda m, said=said: said.append(m) or Verdict.CONTINUE)
        for measurement in said[:epochs]:
            search.report(trial, measurement)
    assert trial.attempt == 6
    run_serially(open_search(store, store.study("study")), learn)
    assert store.trial("study", 0).state is TrialState.COMPLETE


def test_a_trial_given_back_in_order_was_not_lost(store):
    new_study(store, trials=1)
    for _ in range(5):
        search = open_search(store, store.study("study"))
        assert search.suggest() is not None
        search.give_back()
    run_serially(open_search(store, store.study("study")), learn)
    assert store.trial("study", 0).state is TrialState.COMPLETE


def test_a_trial_that_lost_an_attempt_ends_as_if_it_had_not(store):
    run_serially(open_search(store, new_study(store, "whole"), halving=HALVING), learn)
    search = open_search(store, new_study(store), halving=HALVING)

    def loses_one(trial, report):
        said = []
        learn(trial, lambda m: said.append(m) or Verdict.STOP)
        if trial.number % 2:
            return learn(trial, report)
        if report(said[0]) is Verdict.STOP:
            return None
        following = search.retry(trial)
        return learn(following, lambda m: search.report(following, m))

    run_serially(search, loses_one)
    assert table(store) == table(store, "whole")
    assert {record.trial.attempt for record in store.trials("study")} == {1, 2}


@pytest.fixture
def kept(quick_path):
    return Checkpoints(quick_path / "runs", "study/checkpoints/now")


def learn_and_keep(kept):
    """`learn`, leaving a file at every rung as a training does."""

    def measure(trial, report):
        def keep_and_report(measurement):
            path = kept.path(trial.number, measurement.epoch)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"weights of {trial.digest} after {measurement.epoch}")
            return report(measurement)

        learn(trial, keep_and_report)

    return measure


def searching_and_keeping(store, kept, name="study"):
    study = store.study(name)
    return Search(store, study, SPACE, LIMITS, LADDER, "tpe", "test:1", HALVING, checkpoints=kept)


def files_left(kept):
    return {path.relative_to(kept.runs).as_posix() for path in kept.runs.rglob("*.safetensors")}


def test_of_all_files_the_weights_of_the_front_are_left(store, kept, quick_path):
    new_study(store, trials=25)
    during = []
    search = searching_and_keeping(store, kept)
    search.watch = lambda _: during.append((files_left(kept), store.files("study")))
    run_serially(search, learn_and_keep(kept))
    for left, named in during:  # after every trial, not in the end alone
        assert left == {file.path for file in named.values()}
    assert list(store.files("study")) == [record.number for record in store.front("study")]
    assert check(store, runs=quick_path / "runs") == []
    assert len({frozenset(named) for _, named in during}) > 2  # members came and went


def test_what_a_dead_search_left_is_removed_by_the_next(store, kept, quick_path):
    new_study(store, trials=8)
    search = searching_and_keeping(store, kept)
    for _ in range(4):
        trial = search.suggest()
        learn_and_keep(kept)(trial, partial(search.report, trial))
        if trial.number < 3:
            search.finish(trial, outcome_of(None))
    # it dies here; what it had yet to remove, and a half-written file, are still there
    for name in ("0-1", "1-1", "2-1", "2-3", "77-3", ".3-3.safetensors.half"):
        kept.path(0, 1).with_name(f"{name}.safetensors").write_text("left")
    open_trial = kept.of_trial(3)
    next_one = searching_and_keeping(store, kept)
    assert kept.of_trial(3) == open_trial
    named = {file.path for file in store.files("study").values()}
    assert {place for place in files_left(kept) if "/3-" not in place} == named
    run_serially(next_one, learn_and_keep(kept))
    assert check(store, runs=quick_path / "runs") == []


def test_a_front_without_files_is_a_front(store, kept):
    """A training may leave none, or someone may have removed them."""
    new_study(store, trials=4)
    run_serially(searching_and_keeping(store, kept), learn)
    assert store.front("study")
    assert store.files("study") == {}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "exact", "random", "qmc"])
def test_seeds_are_proposed_first_and_a_resumed_search_goes_on_among_them(store, sampler):
    seeds = SPACE.spread(4, LIMITS, seed=7)
    wanted = [plan_network(SPACE.decode(values), SPACE.backbone).digest for values in seeds]
    study = new_study(store, "whole", trials=9)
    run_serially(open_search(store, study, sampler, seeds=seeds), learn)
    assert [record.trial.digest for record in store.trials("whole", limit=4)] == wanted
    new_study(store, trials=2)
    for trials in (2, 6, 9):
        store.set_trials("study", trials)
        run_serially(open_search(store, store.study("study"), sampler, seeds=seeds), learn)
    assert table(store) == table(store, "whole")


@pytest.mark.parametrize("halving", [None, HALVING])
def test_what_a_like_study_has_measured_is_copied_and_said_to_be(store, halving):
    run_serially(open_search(store, new_study(store, "one", trials=20), halving=halving), learn)
    trained = []

    def measure(trial, report):
        trained.append(trial.number)
        learn(trial, report)

    study = new_study(store, "other", trials=25)
    run_serially(open_search(store, study, halving=halving, alike=["one"]), measure)
    assert trained == list(range(20, 25))
    assert table(store, "other")[:20] == table(store, "one")
    assert [m for n, m in store.measurements("other") if n < 20] == [
        m for _, m in store.measurements("one")
    ]
    workers = [record.worker for record in store.trials("other")]
    assert workers[3] == "copied from study 'one', trial 3"
    assert workers[20:] == ["test:1"] * 5
    assert check(store) == []


def test_a_copied_trial_that_goes_on_beyond_what_was_measured_is_trained(store):
    run_serially(open_search(store, new_study(store, "one", trials=20), halving=HALVING), learn)
    stopped = [r.number for r in store.trials("one") if r.state is TrialState.STOPPED]
    assert stopped
    trained = []

    def measure(trial, report):
        trained.append((trial.number, trial.attempt))
        learn(trial, report)

    study = new_study(store, "whole", trials=20)
    run_serially(open_search(store, study, "tpe", alike=["one"]), measure)
    first = stopped[0]  # until then both studies knew the same
    assert trained[0] == (first, 2)
    assert store.trial("whole", first).worker == "test:1"
    assert {r.state for r in store.trials("whole")} == {TrialState.COMPLETE}
    assert check(store) == []


def test_another_seed_s_trainings_are_not_copied(store):
    run_serially(open_search(store, new_study(store, "one", trials=6)), learn)
    study = new_study(store, "other", trials=6, seed=1)
    run_serially(open_search(store, study, alike=["one"]), learn)
    assert {record.worker for record in store.trials("other")} == {"test:1"}


def test_weights_of_a_copied_trial_are_those_of_the_trial_it_was_copied_from(store, kept):
    """A member of the front keeps weights of its own, which outlive the other study's."""
    new_study(store, "one", trials=20)
    run_serially(searching_and_keeping(store, kept, "one"), learn_and_keep(kept))
    other = replace(kept, subfolder="other/checkpoints/now")
    study = new_study(store, "other", trials=20)
    search = Search(
        store, study, SPACE, LIMITS, LADDER, "tpe", "test:1", HALVING,
        checkpoints=other, alike=["one"],
    )  # fmt: skip
    run_serially(search, learn_and_keep(other))
    copied, front = store.files("other"), [record.number for record in store.front("other")]
    assert list(copied) == front == [record.number for record in store.front("one")]
    for number, file in store.files("one").items():
        (kept.runs / file.path).unlink()
        assert copied[number].sha256 == file.sha256
        assert file_sha256(kept.runs / copied[number].path) == file.sha256
    assert examine(store, study="other", runs=kept.runs).faults == ()


def test_weights_that_were_changed_are_not_taken_over(store, kept):
    new_study(store, "one", trials=20)
    run_serially(searching_and_keeping(store, kept, "one"), learn_and_keep(kept))
    for file in store.files("one").values():
        (kept.runs / file.path).write_text("changed")
    other = replace(kept, subfolder="other/checkpoints/now")
    study = new_study(store, "other", trials=20)
    search = Search(
        store, study, SPACE, LIMITS, LADDER, "tpe", "test:1", HALVING,
        checkpoints=other, alike=["one"],
    )  # fmt: skip
    run_serially(search, learn_and_keep(other))
    assert store.files("other") == {}
    assert store.front("other")


def took(plan):
    """A made-up latency: it grows with the MACs, and differs from network to network."""
    return Latency(count(plan).macs * 1e-9 * (1 + int(plan.digest[:2], 16) / 256), 0, 1, "a core")


def test_networks_above_the_latency_are_turned_down_before_training(store):
    """They are counted, and cost no trial; each is measured once."""
    measured = []

    def timing(plan):
        measured.append(plan.digest)
        return took(plan)

    limits = replace(LIMITS, max_latency=0.0012, min_latency=0.0004)
    study = new_study(store)
    search = Search(
        store, study, SPACE, limits, LADDER, "random", "test:1", None, timing=timing
    )  # fmt: skip
    run_serially(search, learn)
    records = store.trials("study")
    assert len(records) == 12
    assert all(0.0004 <= r.trial.latency.median <= 0.0012 for r in records)
    assert {r.trial.latency.hardware for r in records} == {"a core"}
    refused = store.study("study").refused
    assert refused[Refusal.OVER_LATENCY] > 0
    assert len(measured) == len(set(measured))
    assert len(measured) <= 12 + refused[Refusal.OVER_LATENCY] + refused[Refusal.UNDER_LATENCY]
    middle = sorted(r.trial.latency.median for r in records)[6]
    quick = store.front("study", max_latency=middle)
    assert quick
    assert all(one.trial.latency.median <= middle for one in quick)
    assert check(store.location) == []


@pytest.mark.parametrize("cost", [Cost.MACS, Cost.LATENCY])
@pytest.mark.parametrize("sampler", ["tpe", "exact"])
def test_the_front_is_over_the_cost_that_is_asked_for(store, cost, sampler):
    """The checker, which reads plain SQL, finds the same; so does a search that was stopped."""
    if (cost, sampler) == (Cost.LATENCY, "exact"):
        pytest.skip("settings refuse it")
    area = Area(*((100_000, 5_000_000) if cost is Cost.MACS else (100_000, 9_000_000)), 0.1)
    study = store.create_study(NewStudy("study", {}, SPACE.backbone, 0, 12, *area))

    def search():
        halving = HALVING.__class__(3, area.low, area.high, kind=cost)
        more = {"timing": took, "cost": cost}
        return open_search(store, study, sampler, halving=halving, **more)

    begun = search()
    for _ in range(5):
        trial = begun.suggest()
        learn(trial, partial(begun.report, trial))
        begun.finish(trial, outcome_of(lambda: None))
    begun.give_back()
    run_serially(search(), learn)
    front = store.front("study")
    complete = store.trials("study", states=(TrialState.COMPLETE,))
    pairs = {r.number: (cost.of(r.trial), r.accuracy) for r in complete}
    assert [r.trial.cost for r in complete] == [pairs[r.number][0] for r in complete]
    best = {
        n
        for n, (size, accuracy) in pairs.items()
        if not any(s <= size and a >= accuracy and m != n for m, (s, a) in pairs.items())
    }
    assert {member.number for member in front} == best
    assert [m.trial.cost for m in front] == sorted(m.trial.cost for m in front)
    small = sorted(r.trial.params for r in complete)[len(complete) // 2]
    inside = {n for n in pairs if next(r for r in complete if r.number == n).trial.params <= small}
    among = {
        n
        for n in inside
        if not any(
            pairs[m][0] <= pairs[n][0] and pairs[m][1] >= pairs[n][1] and m != n for m in inside
        )
    }
    assert {m.number for m in store.front("study", max_params=small)} == among
    assert check(store.location) == []


def test_a_study_over_parameters_stores_no_cost(store):
    run_serially(open_search(store, new_study(store, trials=3)), learn)
    query = "SELECT count(*), count(cost), count(latency), count(hardware) FROM kw_trial"
    assert store.transactions.read(lambda c: c.exec_driver_sql(query).all()) == [(3, 0, 0, 0)]
    assert [r.trial.cost for r in store.trials("study")] == [
        r.trial.params for r in store.trials("study")
    ]
