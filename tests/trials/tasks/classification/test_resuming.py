"""A trial that goes on from a checkpoint ends as if it had never stopped."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from search_spaces import NetworkConfig, count, plan_network
from trials.checkpoints import Checkpoints
from trials.errors import DamagedDataError, StorageError
from trials.fidelity import Ladder
from trials.records import Measurement, Trial, Verdict
from trials.tasks.classification import proxy
from trials.tasks.classification.checkpoint import Checkpoint
from trials.tasks.classification.data import Prepared, TrainingData
from trials.tasks.classification.loop import train
from trials.tasks.classification.proxy import ProxyTask
from trials.tasks.classification.recipe import Recipe, for_ladder
from trials.tasks.classification.recipe import digits as digits_recipe
from trials.tasks.classification.state import TrainingState

Make = Callable[[int], nn.Module]
LADDER = Ladder((1, 2, 4))
CONFIG = NetworkConfig(
    backbone="resnet8x0.25", num_classes=10, in_channels=1, sharing_range=("layer",)
)


class KilledError(Exception):
    """Stands for the end of a process."""


def trial(attempt: int = 1) -> Trial:
    plan = plan_network(CONFIG)
    costs = count(plan)
    return Trial("study", 7, CONFIG, plan.digest, costs.params, costs.macs, 5, attempt)


def new_task(digits: Prepared, runs: Path) -> ProxyTask:
    recipe = for_ladder(digits_recipe(4).changed(batch_size=256, padding=1, flip=True), LADDER)
    where = Checkpoints(runs, "study/checkpoints/now")
    return ProxyTask(digits, recipe, LADDER, split_seed=0, threads=1, checkpoints=where)


@pytest.fixture
def task(digits: Prepared, tmp_path: Path) -> ProxyTask:
    return new_task(digits, tmp_path)


def measure(
    task: ProxyTask, given: Trial, *, die_at: int = 0, acknowledged: bool = True
) -> list[Measurement]:
    """Measurements without their seconds; dies at a rung, after or before its report arrives."""
    found: list[Measurement] = []

    def report(measurement: Measurement) -> Verdict:
        if measurement.epoch == die_at and not acknowledged:
            raise KilledError
        found.append(replace(measurement, seconds=0.0))
        if measurement.epoch == die_at:
            raise KilledError
        return Verdict.CONTINUE

    if die_at:
        with pytest.raises(KilledError):
            task(given, report)
    else:
        task(given, report)
    return found


def final(task: ProxyTask) -> dict[str, Tensor]:
    assert task.checkpoints is not None
    found: dict[str, Tensor] = load_file(task.checkpoints.path(7, LADDER.top))
    return found


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole(
    digits: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Measurement], dict[str, Tensor]]:
    """What an uninterrupted trial measures and weighs in the end."""
    task = new_task(digits, tmp_path_factory.mktemp("whole"))
    return measure(task, trial()), final(task)


def test_checkpoints_change_no_measurement(
    task: ProxyTask, whole: tuple[list[Measurement], dict[str, Tensor]]
) -> None:
    assert measure(replace(task, checkpoints=None), trial()) == whole[0]


@pytest.mark.parametrize("rung", LADDER.rungs)
@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_trial_killed_at_a_rung_ends_bit_by_bit_as_if_it_had_not_been(
    task: ProxyTask,
    whole: tuple[list[Measurement], dict[str, Tensor]],
    rung: int,
    *,
    acknowledged: bool,
) -> None:
    """Every measurement is told again: the store keeps the first, and none is missing."""
    before = measure(task, trial(), die_at=rung, acknowledged=acknowledged)
    assert before == [m for m in whole[0] if m.epoch < rung + acknowledged]
    torch.rand(3)
    assert measure(task, trial(attempt=2)) == whole[0]
    assert same(final(task), whole[1])


def test_a_trial_killed_again_and_again_goes_on_each_time(
    task: ProxyTask,
    whole: tuple[list[Measurement], dict[str, Tensor]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[int] = []
    train_epoch = proxy.train.__globals__["train_epoch"]

    def note(state: TrainingState, *rest: object) -> None:
        trained.append(state.epoch + 1)
        train_epoch(state, *rest)

    monkeypatch.setitem(proxy.train.__globals__, "train_epoch", note)
    for attempt, rung in enumerate(LADDER.rungs, 1):
        measure(task, trial(attempt), die_at=rung)
    assert measure(task, trial(4)) == whole[0]
    assert trained == [1, 2, 3, 4]  # no epoch twice
    assert same(final(task), whole[1])


def test_two_checkpoints_stay_while_it_runs_and_the_last_holds_weights_alone(
    task: ProxyTask,
) -> None:
    assert task.checkpoints is not None
    measure(task, trial())
    assert [path.name for path in task.checkpoints.of_trial(7)] == [
        "7-4.safetensors",
        "7-2.safetensors",
    ]
    assert not any("/" in name for name in final(task))
    assert any("/" in name for name in load_file(task.checkpoints.path(7, 2)))


@pytest.mark.parametrize("damaged", [1, 2])
def test_damaged_checkpoints_cost_epochs_and_nothing_else(
    task: ProxyTask, whole: tuple[list[Measurement], dict[str, Tensor]], damaged: int
) -> None:
    """The newest, or all there are."""
    assert task.checkpoints is not None
    measure(task, trial(), die_at=2)
    paths = task.checkpoints.of_trial(7)
    assert len(paths) == 2
    for path in paths[:damaged]:
        path.write_bytes(path.read_bytes()[:-1])
    assert measure(task, trial(2)) == whole[0]
    assert same(final(task), whole[1])


@pytest.mark.parametrize(
    "change",
    [
        {"split_seed": 1},
        {"validation_share": 0.3},
        {"attention_start": "assigned"},
        {"attention_learning_rate": 0.5},
    ],
    ids=str,
)
def test_a_checkpoint_of_another_training_is_not_gone_on_from(
    task: ProxyTask, change: dict[str, Any]
) -> None:
    measure(task, trial(), die_at=2)
    recipe = {name: value for name, value in change.items() if name in Recipe.model_fields}
    rest = {name: value for name, value in change.items() if name not in recipe}
    other = replace(task, recipe=task.recipe.changed(**recipe), **rest)
    assert measure(other, trial(2)) == measure(replace(other, checkpoints=None), trial())


def test_seconds_go_on_from_those_of_the_checkpoint(task: ProxyTask) -> None:
    seconds: list[float] = []

    def report(measurement: Measurement) -> Verdict:
        seconds.append(measurement.seconds)
        if len(seconds) == 2:
            raise KilledError
        return Verdict.CONTINUE

    with pytest.raises(KilledError):
        task(trial(), report)
    task(trial(2), report)
    assert seconds[:2] == seconds[2:4]
    assert seconds[4] > seconds[3]


def test_a_disk_that_is_full_ends_the_search_and_not_the_trial(
    task: ProxyTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StorageError, match=r"7-1\.safetensors .* No space .* needs [\d,]+"):
            task(trial(), lambda _: Verdict.CONTINUE)
    assert task.checkpoints is not None
    assert list(task.checkpoints.path(7, 1).parent.iterdir()) == []


def loop_states(
    network: nn.Module, data: TrainingData, resume: Checkpoint | None = None
) -> Iterator[Checkpoint]:
    """The state at every rung, copied."""
    kept: list[Checkpoint] = []

    def keep(state: TrainingState) -> None:
        made = state.checkpoint("loop")
        kept.append(replace(made, tensors={n: t.clone() for n, t in made.tensors.items()}))

    recipe = digits_recipe(3).changed(batch_size=256, padding=1, flip=True)
    train(
        network,
        data,
        recipe,
        seed=3,
        rungs=(1, 2, 3),
        on_rung=lambda _: Verdict.CONTINUE,
        keep=keep,
        resume=resume,
    )
    return iter(kept)


def test_dropout_goes_on_where_it_was(tiny_network: Make, digits_data: TrainingData) -> None:
    """The tiny network has some: torch's own generator is part of the state."""
    first, _, last = loop_states(tiny_network(0), digits_data)
    *_, resumed = loop_states(tiny_network(1), digits_data, resume=first)
    assert same(dict(resumed.tensors), dict(last.tensors))
    assert [replace(m, seconds=0) for m in resumed.measurements] == [
        replace(m, seconds=0) for m in last.measurements
    ]


def test_a_checkpoint_of_another_network_is_refused(
    tiny_network: Make, digits_data: TrainingData
) -> None:
    first, *_ = loop_states(tiny_network(0), digits_data)
    with pytest.raises(DamagedDataError, match="does not fit its network"):
        loop_states(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), digits_data, resume=first)
