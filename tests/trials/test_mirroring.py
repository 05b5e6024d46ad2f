"""A mirror is the study in Optuna's words, and follows it until every trial is over."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import optuna
import pytest
from optuna.trial import TrialState as OptunaState

from search_spaces import NetworkConfig
from search_spaces.choices import FloatRange, Options
from trials.mirroring import STATES, Mirror
from trials.records import Measurement, Trial, TrialRecord, TrialState

SPACE = {
    "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
    "sharing_range": Options(("none", "layer")),
}
BEGAN, ENDED = datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2, 4, tzinfo=UTC)


def measured(*accuracies):
    return tuple(Measurement(3**i, a, 0.01, 1 - a, 300, 1.0) for i, a in enumerate(accuracies))


def record(number, state, accuracies=(), **changes):
    trial = Trial(
        "s", number, NetworkConfig(backbone="resnet8"), f"{number:064}", 1000 + number, 9, 1
    )
    known = TrialRecord(
        trial=trial,
        values={"cell_num_ratio": 0.5 + number / 10, "sharing_range": "layer"},
        sampler_state={},
        state=state,
        cause=None,
        detail=None,
        worker=None,
        epochs=len(accuracies),
        accuracy=accuracies[-1] if accuracies else None,
        accuracy_error=0.01 if accuracies else None,
        loss=None,
        seconds=1.5,
        started_at=BEGAN,
        finished_at=ENDED if state.final else None,
        hypervolume=None,
    )
    return replace(known, **changes), measured(*accuracies)


def shown(mirror, found):
    records = [record for record, _ in found]
    mirror.update(records, {r.number: curve for r, curve in found if curve}, SPACE)
    return optuna.load_study(study_name="s", storage=mirror.storage)


def test_every_state_has_its_counterpart():
    states = list(TrialState)
    found = [record(i, state, (0.5, 0.6)) for i, state in enumerate(states)]
    study = shown(Mirror("s"), found)
    assert [t.number for t in study.trials] == list(range(len(states)))
    assert [t.state for t in study.trials] == [STATES[state] for state in states]
    assert [t.values for t in study.trials if t.values] == [[1002.0, 0.6]]
    assert [d.name for d in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.metric_names == ["parameters", "accuracy"]


def test_a_trial_keeps_its_values_curve_times_and_facts():
    found = record(0, TrialState.STOPPED, (0.4, 0.5), cause="promotion", detail="beaten by 3")
    (trial,) = shown(Mirror("s"), [found]).trials
    assert trial.params == dict(found[0].values)
    assert trial.distributions["cell_num_ratio"].log
    assert trial.distributions["sharing_range"].choices == ("none", "layer")
    assert trial.intermediate_values == {1: 0.4, 3: 0.5}
    assert trial.user_attrs["curve"] == {"1": 0.4, "3": 0.5}
    assert trial.user_attrs["digest"] == found[0].trial.digest
    assert (trial.user_attrs["cause"], trial.user_attrs["params"]) == ("promotion", 1000)
    assert trial.datetime_start.astimezone(UTC) == BEGAN
    assert trial.datetime_complete.astimezone(UTC) == ENDED
    json.dumps(trial.user_attrs)


@pytest.mark.parametrize("end", [TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED])
@pytest.mark.parametrize(
    "way", [(), (TrialState.RUNNING,), (TrialState.RUNNING, TrialState.WAITING)]
)
def test_a_trial_is_followed_whatever_happens_to_it(way, end):
    mirror = Mirror("s")
    before = shown(mirror, [record(0, TrialState.WAITING)])
    for attempt, state in enumerate(way, 1):
        now, curve = record(0, state, (0.3,))
        trial = replace(now.trial, attempt=attempt)
        study = shown(mirror, [(replace(now, trial=trial), curve)])
        assert study.trials[0].state is STATES[state]
        assert study.trials[0].intermediate_values == {1: 0.3}
    study = shown(mirror, [record(0, end, (0.3, 0.7)), record(1, TrialState.RUNNING)])
    assert study.trials[0].state is STATES[end]
    assert study.trials[0].user_attrs["accuracy"] == 0.7
    assert study.trials[1].state is OptunaState.RUNNING
    assert before.study_name == "s"
    again = shown(mirror, [record(0, end, (0.3, 0.7)), record(1, TrialState.RUNNING)])
    assert again.trials == study.trials


def test_the_front_is_optunas_own():
    accuracies = (0.5, 0.4, 0.9)
    found = [record(i, TrialState.COMPLETE, (a,)) for i, a in enumerate(accuracies)]
    study = shown(Mirror("s"), found)
    assert [t.number for t in study.best_trials] == [0, 2]
