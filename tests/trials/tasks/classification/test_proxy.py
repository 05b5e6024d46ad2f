"""The proxy task: a trial goes in, measurements come out, the same ones each time."""

import multiprocessing
import pickle
import sys
from dataclasses import replace

import pytest
import torch

from search_spaces import InputError, NetworkConfig, count
from search_spaces.warehouse import plan_network
from trials.fidelity import Ladder
from trials.records import Measure, Measurement, Trial, Verdict
from trials.tasks.classification import proxy
from trials.tasks.classification.data import Prepared
from trials.tasks.classification.proxy import ProxyTask
from trials.tasks.classification.recipe import digits as digits_recipe
from trials.tasks.classification.recipe import for_ladder

LADDER = Ladder((1, 2))


def trial(seed: int = 5, **settings: int) -> Trial:
    config = NetworkConfig.model_validate(
        {"backbone": "resnet8x0.25", "num_classes": 10, "in_channels": 1, **settings}
    )
    plan = plan_network(config)
    costs = count(plan)
    return Trial("study", 0, config, plan.digest, costs.params, costs.macs, seed)


@pytest.fixture
def task(digits: Prepared) -> ProxyTask:
    recipe = for_ladder(digits_recipe(2), LADDER)
    return ProxyTask(digits, recipe, LADDER, split_seed=0, threads=1, training_share=0.3)


def measure(task: Measure, given: Trial) -> list[Measurement]:
    """Measurements without their seconds."""
    found: list[Measurement] = []

    def keep(measurement: Measurement) -> Verdict:
        found.append(replace(measurement, seconds=0.0))
        return Verdict.CONTINUE

    task(given, keep)
    return found


def measure_elsewhere(raw: bytes) -> tuple[list[Measurement], set[str]]:
    """Measurements, and the modules that are loaded for them after all is prepared."""
    task, given = pickle.loads(raw)  # noqa: S301  written by the test below
    task.prepare()
    known = {*sys.modules}
    return measure(task, given), {*sys.modules} - known


def test_a_trial_is_measured_at_every_rung(task: ProxyTask) -> None:
    found = measure(task, trial())
    assert [measurement.epoch for measurement in found] == [1, 2]
    assert all(0 <= measurement.accuracy <= 1 for measurement in found)


def test_a_trial_gives_one_curve_whoever_measures_it(task: ProxyTask) -> None:
    """Here, here again after another trial and other draws, and in another process."""
    first = measure(task, trial())
    other = measure(task, trial(seed=6))
    torch.rand(3)
    assert measure(task, trial()) == first
    assert other != first
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        elsewhere, loaded = pool.apply(measure_elsewhere, (pickle.dumps((task, trial())),))
    assert elsewhere == first
    assert loaded == set(), "each process forked for a trial would load them again"


def test_a_proxy_leaves_threads_and_global_generator_as_they_were(
    task: ProxyTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[int] = []

    def fail(*_: object, **__: object) -> None:
        inside.append(torch.get_num_threads())
        raise RuntimeError("out of memory")

    monkeypatch.setattr(proxy, "train", fail)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    with pytest.raises(RuntimeError, match="out of memory"):
        measure(replace(task, threads=threads + 1), trial())
    assert inside == [threads + 1]
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_a_task_is_small_when_pickled(task: ProxyTask) -> None:
    raw = pickle.dumps(task)
    assert len(raw) < 3000
    assert pickle.loads(raw) == task  # noqa: S301  written two lines above


@pytest.mark.parametrize("settings", [{"in_channels": 3}, {"num_classes": 100}])
def test_a_network_for_other_images_is_refused(task: ProxyTask, settings: dict[str, int]) -> None:
    with pytest.raises(InputError, match="the images have 1 channel and 10 classes"):
        measure(task, trial(**settings))


def test_a_recipe_of_another_length_is_refused(task: ProxyTask) -> None:
    with pytest.raises(InputError, match="The recipe has 2 epochs, the ladder 9"):
        replace(task, ladder=Ladder((1, 9)))
