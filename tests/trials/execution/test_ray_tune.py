"""What is Ray's alone: the same decisions as in series, more workers, clusters, surroundings."""

import importlib
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from search_spaces import InputError, KwsearchError
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.errors import DamagedDataError, InterruptedSearchError
from trials.execution import run_serially
from trials.execution.ray_tune import RayTune
from trials.execution.ray_tune.asked import Over, Question
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, Outcome, TrialState, Verdict
from trials.search import Search
from trials.store import open_store

SPACE = Space(
    shipped("resnet8x0.25", 10, 1, (8, 8)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "sharing_range": Options(("none", "layer", "stage", "network")),
    },
)


def table(path, executor, measure, ladder, trials):
    """Everything measured in a study that ``executor`` ran, but for the time that it took."""
    with open_store(str(path)) as store:
        study = store.create_study(
            NewStudy("study", {}, SPACE.backbone, 0, trials, 1_000, 60_000, 0.1)
        )
        halving = Halving(eta=2, low=2_000, high=60_000)
        limits = Limits(max_params=60_000)
        search = Search(store, study, SPACE, limits, ladder, "tpe", "test:1", halving)
        executor(search, measure)
        trials = [
            (r.number, r.trial.digest, r.state, r.cause, r.detail, r.accuracy)
            for r in store.trials("study")
        ]
        return trials, [
            (number, m.epoch, m.accuracy, m.loss) for number, m in store.measurements("study")
        ]


def test_one_worker_decides_as_in_series(cluster, quick_path):  # noqa: ARG001 - the cluster is joined
    def measure(trial, report):
        luck = np.random.default_rng(trial.seed).uniform(0, 0.1)
        for epoch in (1, 3, 9):
            accuracy = 0.1 * np.log10(trial.params) + luck + 0.01 * epoch
            if report(Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, 0.5)) is Verdict.STOP:
                return

    ray = RayTune(quick_path / "ray", workers=1)
    tables = [
        table(quick_path / f"{number}.db", executor, measure, Ladder((1, 3, 9)), 25)
        for number, executor in enumerate((run_serially, ray))
    ]
    assert tables[0] == tables[1]
    states = {state for _, _, state, *_ in tables[0][0]}
    assert states == {TrialState.COMPLETE, TrialState.STOPPED}


def test_two_workers_by_exact_train_no_network_twice_and_in_vain_none(cluster, quick_path):  # noqa: ARG001 - likewise
    """Which trial ends first is chance; what a network measures is not."""

    def measure(trial, report):
        luck = np.random.default_rng(trial.seed).uniform(0, 0.1)
        for epoch in (1, 3, 9):
            accuracy = 0.1 * np.log10(trial.params) + luck + 0.01 * epoch
            report(Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, 0.5))

    measured = []
    for number in range(2):
        with open_store(str(quick_path / f"{number}.db")) as store:
            study = store.create_study(
                NewStudy("study", {}, SPACE.backbone, 0, 20, 1_000, 60_000, 0.1)
            )
            limits, ladder = Limits(max_params=60_000), Ladder((1, 3, 9))
            search = Search(store, study, SPACE, limits, ladder, "exact", "test:1", None)
            RayTune(quick_path / "ray", workers=2)(search, measure)
            assert not any(store.study("study").refused.values())
            records = store.trials("study")
            assert len({record.trial.digest for record in records}) == len(records) == 20
            measured.append({record.trial.digest: record.accuracy for record in records})
    both = measured[0].keys() & measured[1].keys()
    assert both
    assert all(measured[0][digest] == measured[1][digest] for digest in both)


def test_real_trainings_give_the_same_curves_as_in_series(cluster, quick_path):  # noqa: ARG001 - likewise
    data = importlib.import_module("trials.tasks.classification.data")
    recipes = importlib.import_module("trials.tasks.classification.recipe")
    ladder = Ladder((1, 2))
    task = importlib.import_module("trials.tasks.classification.proxy").ProxyTask(
        prepared=data.prepare("digits", image_size=None, folder=None, cache=quick_path),
        recipe=recipes.for_ladder(recipes.Recipe(epochs=2), ladder),
        ladder=ladder,
        split_seed=0,
        threads=1,
    )
    ray = RayTune(quick_path / "ray", workers=1)
    tables = [
        table(quick_path / f"{number}.db", executor, task, ladder, 3)
        for number, executor in enumerate((run_serially, ray))
    ]
    assert tables[0] == tables[1]
    assert len(tables[0][1]) >= 3


def test_two_workers_work_at_once(cluster, script, diary, measured, tmp_path):  # noqa: ARG001 - likewise
    """Each waits until the other has come."""

    def measure(trial, report):
        diary.write("begins", trial.number)
        while len(diary.processes()) < 2:
            pass
        report(measured(1))

    decider = script(trials=6)
    RayTune(tmp_path / "ray")(decider, measure)
    assert len(diary.processes()) == 2
    assert decider.outcomes() == dict.fromkeys(range(6), Outcome(TrialState.COMPLETE))


def test_more_workers_than_there_is_room_for_are_refused(cluster, script, tmp_path):  # noqa: ARG001 - likewise
    with pytest.raises(InputError, match="room for 2 trials at once, not for 3"):
        RayTune(tmp_path / "ray", workers=3)(script(), print)
    with pytest.raises(InputError, match=r"0\.5 GPUs"):
        RayTune(tmp_path / "ray", gpus_per_trial=0.5)(script(), print)


def test_a_node_that_does_not_see_the_folder_is_named(cluster, tmp_path, monkeypatch):  # noqa: ARG001 - likewise
    module = importlib.import_module("trials.execution.ray_tune.cluster")
    module._check_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"do not see the folder .*127\.0\.0\.1"):
        module._check_folder(Path("/proc/self/cwd"))  # another folder in every process


def test_a_cluster_that_is_not_there_is_said_to_be_missing():
    module = importlib.import_module("trials.execution.ray_tune.cluster")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1 cannot be joined"):
        module._join("127.0.0.1:1")


RAY_GONE = InterruptedSearchError("Ray ended the search.", "Look.")
NO_ROOM = InputError("There is room for 0 trials.", "Set fewer.")
IMAGES = DamagedDataError("They have changed.", "Look.")


@pytest.mark.parametrize(
    ("ends", "raised"),
    [
        ((None, Over()), None),
        ((Over(RAY_GONE, joined=True), Over()), None),
        ((Over(RAY_GONE),), "Ray ended the search"),
        ((Over(NO_ROOM, joined=True),), "room for 0 trials"),
        ((None, None), "on the second attempt: it died again"),
        ((None, Over(RAY_GONE, joined=True)), "on the second attempt: Ray ended"),
        ((None, Over(NO_ROOM, joined=True)), "on the second attempt: There is room"),
        ((None, Over(IMAGES, joined=True)), "They have changed"),
    ],
)
def test_a_cluster_that_dies_is_made_anew_once_however_that_is_heard_of(
    ends, raised, script, quick_path, monkeypatch
):
    """It dies without a word, or Tune says that Ray failed; the trial that was out is retried."""
    beside = importlib.import_module("trials.execution.ray_tune.beside")
    left = [*ends]

    def end(_settings, out, _pickled, _own):
        out.answer(Question("suggest"))
        return left.pop(0)

    monkeypatch.setattr(beside, "_run_once", end)
    decider = script(trials=1)
    with nullcontext() if raised is None else pytest.raises(KwsearchError, match=raised) as caught:
        beside.run(RayTune(quick_path / "ray"), decider, print)
    assert left == []
    assert [call for call, *_ in decider.calls] == ["suggest", "retry"][: len(ends)]
    if raised is not None and len(ends) > 1 and ends[1] != Over(IMAGES, joined=True):
        assert caught.value.exit_code == 5


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 120}
HEAD = "start --head --block --port 0 --num-cpus 1 --include-dashboard false --disable-usage-stats"
SEARCH = """
import sys
from pathlib import Path
from trials.execution.ray_tune import RayTune
from conftest import Script, measurement
import ray.cloudpickle, conftest
ray.cloudpickle.register_pickle_by_value(conftest)
decider = Script(trials=3)
RayTune(Path("ray"), address=sys.argv[1])(decider, lambda trial, report: report(measurement(1)))
print(len(decider.outcomes()))
"""


@pytest.mark.slow
def test_a_cluster_that_runs_is_joined_by_its_address_and_outlives_the_search(quick_path):
    """With the token that it asks for, and not without."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 32}
    ours = f"{Path(__file__).parents[3]}:{Path(__file__).parent}"
    given = os.environ | token | {"PYTHONPATH": ours}
    start = [sys.executable, "-m", "ray.scripts.scripts", *HEAD.split(), "--temp-dir", quick_path]
    with subprocess.Popen(start, env=given, stdout=subprocess.PIPE, text=True) as head:
        try:
            text = ""
            while not (found := re.search(r"--address='([\d.]+:\d+)'", text)):
                text += head.stdout.readline()
            search = [sys.executable, "-c", SEARCH, found[1]]
            for _ in range(2):
                done = subprocess.run(search, cwd=quick_path, env=given, check=False, **PIPES)
                assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
            stranger = given | {"RAY_AUTH_MODE": "disabled"}
            done = subprocess.run(search, cwd=quick_path, env=stranger, check=False, **PIPES)
            assert "cannot be joined" in done.stderr
        finally:
            head.terminate()


def test_a_run_leaves_signals_and_environment_as_they_were(cluster, script, tmp_path):  # noqa: ARG001 - likewise
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers], dict(os.environ)
    RayTune(tmp_path / "ray", workers=1)(script(trials=0), print)
    assert ([signal.getsignal(number) for number in numbers], dict(os.environ)) == before
