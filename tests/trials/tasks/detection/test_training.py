"""Detectors on backbones of all kinds: stages, training, freezing, going on."""

import pytest
import torch
from torch import nn

from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from search_spaces.networks import build, plain_of
from trials.errors import DamagedDataError
from trials.records import Verdict
from trials.tasks.classification.checkpoint import read_checkpoint, write_checkpoint
from trials.tasks.classification.starting import started
from trials.tasks.detection.coco import for_search, open_coco
from trials.tasks.detection.detector import detector_of, sizes_of
from trials.tasks.detection.examples import Examples
from trials.tasks.detection.features import stages_of
from trials.tasks.detection.loop import optimiser, train
from trials.tasks.detection.recipe import DetectionRecipe, recipe_for

QUICK = recipe_for(48).changed(
    epochs=2, batch_size=6, neck_channels=8, head_width=16, proposals=20, sampled_proposals=8,
    norms="batch", detections=5,
)  # fmt: skip


def detector(recipe=QUICK, seed=0):
    table = shipped("resnet8x0.25", 10, 1, (48, 48))
    config = NetworkConfig(backbone="resnet8x0.25", in_channels=1, num_classes=10)
    network = started(config, table, attention_start="assigned", seed=seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return detector_of(network, recipe, in_channels=1, classes=10)


def data(canvas, recipe=QUICK):
    coco = open_coco(canvas, masks=recipe.masks)
    parts = for_search(coco, 0, 0.4, 1.0)
    return tuple(Examples(part, 1, recipe.masks) for part in parts)


@pytest.mark.parametrize(
    ("name", "strides", "channels"),
    [
        ("resnet8", [2, 4], [32, 64]),
        ("resnet18", [4, 8, 16, 32], [64, 128, 256, 512]),
        ("resnet50", [4, 8, 16, 32], [256, 512, 1024, 2048]),
        ("mobilenetv2", [4, 8, 16, 32], [24, 32, 96, 1280]),
        ("convnext-tiny", [4, 8, 16, 32], [96, 192, 384, 768]),
    ],
)
def test_a_stage_is_the_last_of_its_resolution(name, strides, channels):
    with torch.device("meta"):
        network = plain_of(shipped(name))
        found = stages_of(network, shipped(name).in_channels)
    assert [stage.stride for stage in found] == strides
    assert [stage.channels for stage in found] == channels


def test_stages_are_found_in_networks_that_warehouses_serve_and_modes_stay():
    network = build(NetworkConfig(backbone="resnet18-small")).train()
    network.bn1.eval()
    assert [stage.name for stage in stages_of(network, 3)] == ["layer2", "layer3", "layer4"]
    assert network.training
    assert not network.bn1.training


def test_all_that_learns_is_the_stages_and_what_stands_on_them():
    made = detector()
    body, rest = sizes_of(made)
    assert body + rest == sum(one.numel() for one in made.parameters())
    assert not any("fc." in name for name, _ in made.named_parameters() if "attention" not in name)
    names = dict(made.named_parameters())
    assert any(name.endswith("warehouse.cells") for name in names)


@pytest.mark.parametrize("kind", ["faster-rcnn", "retinanet"])
def test_detectors_of_boxes_learn_and_measure(canvas, kind):
    recipe = QUICK.changed(detector=kind, epochs=1)
    seen = []
    made = detector(recipe)
    before = {name: one.clone() for name, one in made.state_dict().items()}
    train(made, data(canvas, recipe), recipe, seed=0, rungs=[1], on_rung=_seen(seen))
    assert seen[0].epoch == 1
    assert 0 <= seen[0].accuracy <= 1
    assert seen[0].loss > 0
    changed = [n for n, one in made.named_parameters() if not torch.equal(before[n], one)]
    assert any("backbone.body" in name for name in changed)
    assert any("backbone.fpn" in name for name in changed)


def test_a_training_gone_on_with_ends_with_the_same_bits(canvas, tmp_path):
    """Masks, order, mirroring and sampled anchors included; the checkpoint went through a file."""
    whole, kept = detector(), {}

    def keep(state, _):
        write_checkpoint(tmp_path / f"{state.epoch}", state.checkpoint("this"))

    first, again = [], []
    train(whole, data(canvas), QUICK, seed=5, rungs=[1, 2], on_rung=_seen(first), keep=keep)
    kept = read_checkpoint(tmp_path / "1")
    torch.manual_seed(99)  # whatever this process has drawn
    other = detector(seed=3)
    train(other, data(canvas), QUICK, seed=5, rungs=[1, 2], on_rung=_seen(again), resume=kept)
    assert all(
        torch.equal(one, other.state_dict()[name]) for name, one in whole.state_dict().items()
    )
    assert [(m.epoch, m.accuracy, m.loss) for m in again] == [
        (m.epoch, m.accuracy, m.loss) for m in first
    ]
    narrow = detector(QUICK.changed(neck_channels=4))
    with pytest.raises(DamagedDataError, match="does not fit its network"):
        train(narrow, data(canvas), QUICK, seed=5, rungs=[2], on_rung=_seen([]), resume=kept)


def test_frozen_norms_keep_their_statistics_and_others_do_not(canvas):
    for norms, stay in (("frozen", True), ("batch", False)):
        recipe = QUICK.changed(norms=norms, detector="faster-rcnn", epochs=1, learning_rate=1e-3)
        made = detector(recipe)
        means = {n: b.clone() for n, b in made.named_buffers() if n.endswith("running_mean")}
        train(made, data(canvas, recipe), recipe, seed=0, rungs=[1], on_rung=_seen([]))
        buffers = dict(made.named_buffers())
        assert all(torch.equal(buffers[n], mean) for n, mean in means.items()) is stay
        assert means
        assert isinstance(made.backbone.body, nn.Module)


def test_large_pictures_have_the_authors_optimiser_and_norms_do_not_decay(canvas):
    large = recipe_for(1333)
    assert (large.optimiser, large.learning_rate, large.weight_decay) == ("adamw", 1e-4, 0.05)
    assert (large.epochs, large.batch_size, large.warmup_iterations) == (12, 16, 500)
    recipe = QUICK.changed(optimiser="adamw", learning_rate=1e-3, weight_decay=0.05, epochs=1)
    made = detector(recipe)
    taken = optimiser(made, recipe)
    assert isinstance(taken, torch.optim.AdamW)
    decay = {p: group["weight_decay"] for group in taken.param_groups for p in group["params"]}
    learning = {name: p for name, p in made.named_parameters() if p.requires_grad}
    assert set(decay) == set(learning.values())
    assert {decay[p] for name, p in learning.items() if name.endswith("bias")} == {0.0}
    assert {decay[p] for name, p in learning.items() if name.endswith("cells")} == {0.05}
    seen, before = [], {name: p.clone() for name, p in learning.items()}
    train(made, data(canvas, recipe), recipe, seed=0, rungs=[1], on_rung=_seen(seen))
    assert seen[0].loss > 0
    cells = [name for name in learning if name.endswith("cells")]
    assert cells
    assert all(not torch.equal(before[name], learning[name]) for name in cells)


def test_the_1x_schedule_warms_up_for_500_steps_and_drops_after_epochs_8_and_11():
    recipe, steps = DetectionRecipe(), 7330  # MS-COCO in batches of 16
    assert recipe.learning_rate_at(0, steps) == pytest.approx(0.02 * 0.001)
    assert recipe.learning_rate_at(250, steps) == pytest.approx(0.02 * 0.5005)
    assert recipe.learning_rate_at(500, steps) == 0.02
    for epoch, rate in ((7, 0.02), (8, 0.002), (10, 0.002), (11, 0.0002)):
        assert recipe.learning_rate_at(epoch * steps, steps) == pytest.approx(rate)
        assert recipe.learning_rate_at((epoch + 1) * steps - 1, steps) == pytest.approx(rate)


def _seen(into):
    def on_rung(measurement):
        into.append(measurement)
        return Verdict.CONTINUE

    return on_rung
