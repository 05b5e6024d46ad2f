"""Freeze and thaw: a pure rule, and searches by it that can be interrupted anywhere."""

from dataclasses import replace

import numpy as np
import pytest

from trials import freezing
from trials.area import Area
from trials.checkpoints import Checkpoints
from trials.curves import CurveModel, Curves
from trials.errors import StorageError
from trials.execution import Simulated, run_serially
from trials.fidelity import Ladder
from trials.freezing import Climber, Standing, Thawing
from trials.records import Measurement, NewStudy, TrialState, Verdict
from trials.sampling import exact
from trials.search import Search
from trials.store import open_store
from trials.store.check import check

from .test_search import LIMITS, SPACE

LADDER = Ladder((1, 3, 9))
AREA = Area(1_000, 200_000, 0.1)
RULE = Thawing(AREA, LADDER, epochs=60)


def climber(number, *accuracies, standing=Standing.PAUSED, params=10_000):
    """A trial with measurements at the first rungs."""
    curve = tuple((e, a, 0.01) for e, a in zip(LADDER.rungs, accuracies, strict=False))
    saved = curve[-1][0] if curve else 0
    return Climber(number, params, (np.log(params), 1.0), curve, standing, saved)


def table(*paused):
    """Four complete trials, of which the better at the first rung is the better at the top."""
    first = [
        climber(n, 0.5 + n / 100, 0.6 + n / 100, 0.7 + n / 100, standing=Standing.COMPLETE)
        for n in range(4)
    ]
    return [*first, *(climber(4 + n, *accuracies) for n, accuracies in enumerate(paused))]


@pytest.fixture(autouse=True)
def _few_candidates(monkeypatch):
    monkeypatch.setattr(exact, "CANDIDATES", 2_000)


@pytest.fixture
def store(quick_path):
    with open_store(str(quick_path / "kwsearch.db")) as opened:
        yield opened


def test_a_network_ahead_at_a_rung_is_expected_ahead_at_the_top():
    """And the nearer the rung is to the top, the surer is the forecast."""
    rng = np.random.default_rng(0)
    talent = rng.normal(0, 0.02, 30)
    rows = [
        (n, epochs, 0.6 + 0.1 * k + talent[n] + rng.normal(0, 0.005))
        for n in range(30)
        for k, epochs in enumerate(LADDER.rungs)
        if n < 20 or epochs == 1 or (n < 25 and epochs == 3)
    ]
    network, epochs, accuracy = (np.array(column) for column in zip(*rows, strict=True))
    curves = Curves(
        rng.normal(size=(30, 2)),
        network.astype(np.int64),
        epochs.astype(float),
        accuracy,
        np.full(len(rows), 0.005),
    )
    model = CurveModel(curves, 9)
    after_three, after_one = (model.forecast(range(*ends)) for ends in ((20, 25), (25, 30)))
    assert np.corrcoef(after_three.mean, talent[20:25])[0, 1] > 0.8
    assert np.mean(after_three.deviation) < np.mean(after_one.deviation)
    unseen = model.forecast(range(25, 30), (1, 3), fresh=True)
    assert np.all(unseen.deviation > after_one.deviation)
    assert np.all(unseen.told[0] < unseen.told[1])
    assert np.all(unseen.told[1] < unseen.deviation)


def test_of_paused_trials_of_one_size_the_more_accurate_goes_on():
    choice = RULE.choose(table((0.5,), (0.56,), (0.52,)), may_begin=False)
    assert choice.thaws == 5
    assert not choice.begins


def test_a_trial_that_lacks_fewer_epochs_is_preferred_among_equals(monkeypatch):
    monkeypatch.setattr(freezing, "CLOSELY", 0)  # gain over epochs, as if none were left on its way
    near, far = climber(4, 0.53, 0.63), climber(5, 0.53)
    rates = freezing._Weighed(RULE, [*table(), near, far], None, anyway=False).rates
    assert rates[4] > rates[5]


def test_a_trial_without_its_checkpoint_costs_all_its_epochs(monkeypatch):
    monkeypatch.setattr(freezing, "CLOSELY", 0)  # gain over epochs, as if none were left on its way
    there = climber(4, 0.53, 0.63)
    kept = freezing._Weighed(RULE, [*table(), there], None, anyway=False).rates[4]
    gone = replace(there, saved=0)
    lost = freezing._Weighed(RULE, [*table(), gone], None, anyway=False).rates[4]
    assert kept * 6 == pytest.approx(lost * 9)


def ways(gains, spent, lacks):
    """Ways on of one trial: ``gains`` by rung and by what it says."""
    nodes = len(freezing._WEIGHTS)
    by_rung = np.array([np.broadcast_to(one, nodes) for one in gains], dtype=float)[..., None]
    return freezing._Ways(by_rung, np.array([spent]), np.array([lacks]))


def test_the_index_of_what_a_rung_cannot_change_is_the_gain_an_epoch():
    assert ways([0.9, 0.9], [3, 9], 9).rates()[0] == pytest.approx(0.1)
    assert ways([0.0, 0.0], [3, 9], 9).rates()[0] == pytest.approx(0.0, abs=1e-9)


def test_the_index_of_a_trial_that_may_be_left_is_higher():
    """Solved by hand: only the best of five outcomes goes on at the index."""
    best = freezing._WEIGHTS[-1]
    told = np.array([0, 0, 0, 0, 90.0])
    index = ways([told, told @ freezing._WEIGHTS], [1, 9], 9).rates()[0]
    assert index == pytest.approx(best * 90 / (1 + best * 8))
    assert index > told @ freezing._WEIGHTS / 9


def test_at_its_index_a_trial_is_worth_nothing_and_below_something():
    rng = np.random.default_rng(0)
    gains = np.abs(rng.normal(size=(3, len(freezing._WEIGHTS), 6)))
    many = freezing._Ways(gains, np.tile([1, 3, 9], (6, 1)), np.full(6, 9))
    index = many.rates()
    assert many.worth(index) == pytest.approx(np.zeros(6), abs=1e-9)
    assert np.all(many.worth(0.9 * index) > 0)
    assert np.all(many.worth(1.1 * index) < 0)


def test_what_runs_stands_on_the_front_already():
    """So a trial of the same size is expected to add less."""
    there, twin = climber(4, 0.64), climber(5, 0.64)
    alone = freezing._Weighed(RULE, [*table(), there, twin], None, anyway=False).rates[4]
    running = replace(twin, standing=Standing.RUNNING)
    beside = freezing._Weighed(RULE, [*table(), there, running], None, anyway=False).rates[4]
    assert beside < alone


def test_no_more_epochs_are_spent_than_may_be():
    short = replace(RULE, epochs=36 + 1 + 7)
    assert short.choose(table((0.58,)), may_begin=True).thaws is None
    told = short.at_rung([*table(), climber(4, 0.58, standing=Standing.RUNNING)], 4, may_begin=True)
    assert not told.goes_on
    assert "it lacks 8 epochs, and 7 of the 44 that may be spent are left" in told.reason


def test_the_first_trials_go_to_the_top_and_are_fewer_where_epochs_are_few():
    running = [climber(0, 0.2, standing=Standing.RUNNING)]
    assert RULE.at_rung(running, 0, may_begin=True).goes_on
    assert [replace(RULE, epochs=epochs).first for epochs in (9, 72, 1000)] == [1, 2, 4]


def learn(trial, report):
    """A made-up training whose luck at early rungs is half of that at the top."""
    rng = np.random.default_rng(trial.seed)
    talent = rng.uniform(0, 0.1)
    for epoch in LADDER.rungs:
        luck = rng.uniform(0, 0.1 / epoch)
        accuracy = 0.1 * np.log10(trial.params) + talent + luck + 0.02 * epoch
        if report(Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, float(epoch))) is (
            Verdict.STOP
        ):
            return


def searching(store, name, sampler="random", trials=16, share=0.45, **more):
    if all(study.name != name for study in store.studies()):
        store.create_study(NewStudy(name, {}, SPACE.backbone, 0, trials, *AREA))
    rule = Thawing(AREA, LADDER, int(share * trials * LADDER.top))
    study = store.study(name)
    return Search(store, study, SPACE, LIMITS, LADDER, sampler, "test:1", thawing=rule, **more)


def told(store, name):
    """All of a study's table that does not say when."""
    decisions = {r.number: store.decisions(name, r.number) for r in store.trials(name)}
    return [
        (r.number, r.trial.digest, r.state, r.detail, r.accuracy, r.epochs, r.finish_order)
        for r in store.trials(name)
    ], decisions


@pytest.mark.parametrize("sampler", ["random", "tpe", "exact"])
def test_a_search_thaws_trials_spends_what_it_may_and_is_the_same_twice(store, sampler):
    for name in ("one", "other"):
        run_serially(searching(store, name, sampler), learn)
    assert told(store, "one") == told(store, "other")
    records, decisions = store.trials("one"), told(store, "one")[1]
    assert sum(record.epochs for record in records) <= 64
    assert len({record.trial.digest for record in records}) == len(records)
    thawed = [
        n for n, made in decisions.items() if any("Later:" in d.reason for d in made.values())
    ]
    assert thawed
    assert all(store.trial("one", number).trial.attempt > 1 for number in thawed)
    assert {TrialState.COMPLETE, TrialState.STOPPED} == {record.state for record in records}
    assert check(store) == []


@pytest.mark.parametrize(("sampler", "when"), [("tpe", 20), ("exact", 20)])
@pytest.mark.parametrize("written", [False, True])
def test_interrupted_anywhere_and_resumed_it_is_as_if_it_had_not_been(
    store, sampler, when, written
):
    """Whether a measurement was written or not, and with nobody to give trials back."""
    run_serially(searching(store, "whole", sampler), learn)
    reports = 0

    def dies(trial, report):
        def counted(measurement):
            nonlocal reports
            reports += 1
            if reports == when and not written:
                raise StorageError("gone", "")
            verdict = report(measurement)
            if reports == when:
                raise StorageError("gone", "")
            return verdict

        learn(trial, counted)

    with pytest.raises(StorageError):
        run_serially(searching(store, "study", sampler), dies)
    run_serially(searching(store, "study", sampler), learn)
    assert told(store, "study") == told(store, "whole")
    assert check(store) == []


@pytest.mark.parametrize("sampler", ["random", pytest.param("exact", marks=pytest.mark.slow)])
def test_a_hundred_simulated_workers_train_no_network_twice(store, sampler):
    for name in ("one", "other"):
        search = searching(store, name, sampler, trials=120, share=0.3)
        Simulated(workers=100)(search, learn)
    assert told(store, "one") == told(store, "other")
    records = store.trials("one")
    assert len({record.trial.digest for record in records}) == len(records) >= 100
    assert sum(record.epochs for record in records) <= 0.3 * 120 * 9
    assert check(store) == []


def test_a_thawed_trial_goes_on_where_it_was_in_virtual_time(store):
    """One worker has trained as many seconds as there are epochs, none of them twice."""
    executor = Simulated()
    executor(searching(store, "study"), learn)
    assert executor.usage.seconds == sum(record.epochs for record in store.trials("study"))


def kept(store, name, tmp_path, said, **more):
    """A search whose trainings write checkpoints of 1,000 bytes."""
    store.study(name) if any(s.name == name for s in store.studies()) else searching(store, name)
    places = Checkpoints.of(store.study(name), tmp_path)

    def measure(trial, report):
        def written(measurement):
            path = places.path(trial.number, measurement.epoch)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(1000))
            return report(measurement)

        learn(trial, written)

    search = searching(store, name, checkpoints=places, tell=said.append, **more)
    run_serially(search, measure)
    paused = {r.number for r in store.trials(name, states=[TrialState.STOPPED])}
    return paused, places


def test_every_paused_trial_keeps_its_last_checkpoint_also_after_a_resume(store, tmp_path):
    said = []
    paused, places = kept(store, "study", tmp_path, said)
    epochs = {number: store.trial("study", number).epochs for number in paused}
    assert len(paused) > 3
    assert {n: e for n, e in places.newest().items() if n in paused} == epochs
    assert places.sizes() == dict.fromkeys(places.sizes(), 1000)
    searching(store, "study", checkpoints=places)
    assert {n: e for n, e in places.newest().items() if n in paused} == epochs
    assert said == []


def test_beyond_the_bound_checkpoints_are_dropped_which_is_said(store, tmp_path):
    said = []
    paused, places = kept(store, "study", tmp_path, said, paused_bytes=3000)
    assert len(paused & set(places.newest())) <= 3
    assert said
    assert all("took more than 3,000 bytes" in line and "paused_bytes" in line for line in said)
