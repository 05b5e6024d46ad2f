"""Plain networks by the proxy of a study: kept, gone on with, and not repeated."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from search_spaces import InputError
from search_spaces.backbones import shipped
from search_spaces.networks import plain_of, read_tensors
from trials.fidelity import Ladder
from trials.records import Measurement, Verdict
from trials.tasks.classification import plain as plain_training
from trials.tasks.classification.data import Prepared
from trials.tasks.classification.plain import train_plain
from trials.tasks.classification.proxy import ProxyTask
from trials.tasks.classification.recipe import digits as digits_recipe
from trials.tasks.classification.recipe import for_ladder

LADDER = Ladder((1, 2))
TABLE = shipped("resnet8x0.25", 10, 1, (8, 8))


@pytest.fixture
def task(digits: Prepared) -> ProxyTask:
    recipe = for_ladder(digits_recipe(2).changed(batch_size=256), LADDER)
    return ProxyTask(digits, recipe, LADDER, split_seed=0, threads=1)


def trained(
    task: ProxyTask, folder: Path, seed: int = 0, stop: int = 0
) -> tuple[Path, list[Measurement]]:
    found: list[Measurement] = []

    def report(measurement: Measurement) -> Verdict:
        found.append(replace(measurement, seconds=0.0))
        return Verdict.STOP if measurement.epoch == stop else Verdict.CONTINUE

    return train_plain(task, TABLE, seed=seed, report=report, folder=folder), found


def test_the_weights_have_the_accuracy_that_was_measured(task: ProxyTask, tmp_path: Path) -> None:
    """They are a plain network's, under its own names."""
    path, found = trained(task, tmp_path)
    assert [one.epoch for one in found] == [1, 2]
    network = plain_of(TABLE)
    network.load_state_dict(read_tensors(path))
    assert network.state_dict().keys() == read_tensors(path).keys()
    other, again = trained(task, tmp_path, seed=1)
    assert other != path
    assert again != found


def test_a_training_that_is_over_is_told_again_and_not_repeated(
    task: ProxyTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(task, tmp_path)
    monkeypatch.setattr(plain_training, "write_checkpoint", pytest.fail)
    assert trained(task, tmp_path) == first


def test_one_that_was_stopped_goes_on_bit_by_bit(task: ProxyTask, tmp_path: Path) -> None:
    path, found = trained(task, tmp_path / "whole")
    trained(task, tmp_path / "parts", stop=1)
    resumed, again = trained(task, tmp_path / "parts")
    assert again == found
    for name, tensor in read_tensors(path).items():
        assert torch.equal(read_tensors(resumed)[name], tensor), name


def test_how_attention_learns_is_nothing_to_a_plain_network(
    task: ProxyTask, tmp_path: Path
) -> None:
    """So a study's baselines serve studies with another start; another recipe is another file."""
    other = task.recipe.changed(attention_start="assigned", attention_learning_rate=0.1)
    path, _ = trained(task, tmp_path)
    assert trained(replace(task, recipe=other), tmp_path)[0] == path
    slower = replace(task, recipe=task.recipe.changed(learning_rate=0.01))
    assert trained(slower, tmp_path)[0] != path


def test_a_network_for_other_images_is_refused(task: ProxyTask, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="takes 3 channels"):
        train_plain(task, shipped("resnet8", 10, 3), seed=0, report=pytest.fail, folder=tmp_path)
