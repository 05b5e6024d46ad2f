"""The loop learns, repeats itself bit by bit, stops when told, and says when it diverged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import nan

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces import InputError, NetworkConfig
from search_spaces.networks import build
from trials.errors import NonFiniteError
from trials.execution import outcome_of
from trials.records import Measurement, Verdict
from trials.shares import standard_error
from trials.tasks.classification import loop, measuring
from trials.tasks.classification.data import Sample, TrainingData
from trials.tasks.classification.loop import train
from trials.tasks.classification.measuring import recalibrate
from trials.tasks.classification.recipe import Recipe, digits
from trials.tasks.classification.schedules import learning_rate, temperature

Make = Callable[[int], nn.Module]
RECIPE = digits(4).changed(batch_size=64, padding=1)


def curve(
    network: nn.Module,
    data: TrainingData,
    recipe: Recipe = RECIPE,
    *,
    seed: int = 0,
    rungs: Sequence[int] = (1, 2, 4),
    device: str = "cpu",
) -> list[Measurement]:
    """All measurements of a run, without their seconds."""
    found: list[Measurement] = []

    def keep(measurement: Measurement) -> Verdict:
        found.append(measurement)
        return Verdict.CONTINUE

    train(network, data, recipe, seed=seed, rungs=rungs, on_rung=keep, device=device)
    return [replace(measurement, seconds=0.0) for measurement in found]


def test_a_small_network_learns_digits(tiny_network: Make, digits_data: TrainingData) -> None:
    found = curve(tiny_network(0), digits_data)
    assert [measurement.epoch for measurement in found] == [1, 2, 4]
    assert found[-1].accuracy > 0.85
    assert found[-1].loss < found[0].loss


def test_a_kernel_warehouse_network_learns_digits(digits_data: TrainingData) -> None:
    torch.manual_seed(0)
    config = NetworkConfig(backbone="resnet8x0.5", num_classes=10, in_channels=1)
    found = curve(build(config), digits_data, digits(3), rungs=(3,))
    assert found[-1].accuracy > 0.7


def test_bfloat16_learns_digits(tiny_network: Make, digits_data: TrainingData) -> None:
    full = curve(tiny_network(0), digits_data)
    mixed = curve(tiny_network(0), digits_data, RECIPE.changed(dtype="bfloat16"))
    assert mixed[-1].accuracy > 0.85
    assert mixed != full
    assert mixed[-1].loss == pytest.approx(full[-1].loss, rel=0.2)


def test_a_seed_gives_one_curve_bit_by_bit(tiny_network: Make, digits_data: TrainingData) -> None:
    """Whatever was trained or drawn before in the same process."""
    first = curve(tiny_network(0), digits_data, seed=7)
    curve(tiny_network(1), digits_data, seed=8)
    torch.rand(11)
    again = curve(tiny_network(0), digits_data, seed=7)
    other = curve(tiny_network(0), digits_data, seed=8)
    assert first == again
    assert first != other


def test_training_leaves_the_global_generator_as_it_was(
    tiny_network: Make, digits_data: TrainingData
) -> None:
    network = tiny_network(0)
    before = torch.get_rng_state()
    curve(network, digits_data, rungs=(1,))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("recalibration", [0, 3])
def test_measuring_more_often_changes_no_measurement(
    tiny_network: Make, digits_data: TrainingData, recalibration: int
) -> None:
    recipe = RECIPE.changed(recalibration=recalibration)
    assert (
        curve(tiny_network(0), digits_data, recipe, rungs=(4,))
        == curve(tiny_network(0), digits_data, recipe, rungs=(1, 2, 3, 4))[-1:]
    )


def test_recalibrating_changes_what_is_measured_and_nothing_that_is_learnt(
    tiny_network: Make, digits_data: TrainingData
) -> None:
    plain, anew = tiny_network(0), tiny_network(0)
    before = curve(plain, digits_data, rungs=(1,))
    after = curve(anew, digits_data, RECIPE.changed(recalibration=8), rungs=(1,))
    assert before != after
    assert all(map(torch.equal, plain.parameters(), anew.parameters()))


def test_recalibrated_statistics_are_those_of_the_batches(digits_data: TrainingData) -> None:
    """For a norm that sees the images themselves: mean and unbiased variance of every batch."""
    norm = nn.BatchNorm2d(1, momentum=0.3).eval()
    recipe, cpu = RECIPE.changed(recalibration=3), torch.device("cpu")
    recalibrate(norm, digits_data, recipe, cpu)
    order = np.random.default_rng(0).permutation(len(digits_data.training))[: 3 * 64]
    pixels, _ = digits_data.training.batch(order)
    images = (torch.from_numpy(pixels) / 255 - digits_data.mean[0]) / digits_data.std[0]
    batches = images.view(3, -1)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, batches.mean(1).mean(0, keepdim=True))
    torch.testing.assert_close(norm.running_var, batches.var(1).mean(0, keepdim=True))
    assert (norm.momentum, norm.training) == (0.3, False)
    kept = norm.running_mean.clone()
    recalibrate(norm, digits_data, RECIPE, cpu)
    assert torch.equal(norm.running_mean, kept)


def test_a_measurement_is_what_the_network_says_of_the_validation_images(
    tiny_network: Make, digits_data: TrainingData
) -> None:
    network = tiny_network(0)
    found = curve(network, digits_data)[-1]
    count = len(digits_data.evaluation)
    pixels, labels = digits_data.evaluation.batch(np.arange(count))
    images = (torch.from_numpy(pixels) / 255 - digits_data.mean[0]) / digits_data.std[0]
    with torch.no_grad():
        logits = network.eval()(images)
    accuracy = float((logits.argmax(1) == torch.from_numpy(labels)).double().mean())
    assert found.images == count
    assert found.accuracy == accuracy
    assert found.accuracy_error == standard_error(accuracy, count)
    expected = float(functional.cross_entropy(logits, torch.from_numpy(labels)))
    assert found.loss == pytest.approx(expected, rel=1e-5)


def test_training_stops_when_told(tiny_network: Make, digits_data: TrainingData) -> None:
    seen: list[int] = []

    def stop_at_two(measurement: Measurement) -> Verdict:
        seen.append(measurement.epoch)
        return Verdict.STOP if measurement.epoch == 2 else Verdict.CONTINUE

    network = tiny_network(0)
    train(network, digits_data, RECIPE, seed=0, rungs=(1, 2, 4), on_rung=stop_at_two)
    assert seen == [1, 2]


def test_seconds_grow_from_rung_to_rung(tiny_network: Make, digits_data: TrainingData) -> None:
    seconds: list[float] = []

    def keep(measurement: Measurement) -> Verdict:
        seconds.append(measurement.seconds)
        return Verdict.CONTINUE

    train(tiny_network(0), digits_data, RECIPE, seed=0, rungs=(1, 2, 3), on_rung=keep)
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_every_step_has_the_temperature_and_rate_of_its_place(
    tiny_network: Make, digits_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's own calls, against the closed forms over the whole run."""
    temperatures: list[float] = []
    rates: list[float] = []
    descend = torch.optim.SGD.step

    def record_step(self: torch.optim.SGD, *args: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        assert len({group["lr"] for group in self.param_groups}) == 1
        return descend(self, *args)

    monkeypatch.setattr(torch.optim.SGD, "step", record_step)
    for module in (loop, measuring):
        monkeypatch.setattr(module, "set_temperature", lambda _, value: temperatures.append(value))
    recipe = RECIPE.changed(temperature_share=0.5)
    curve(tiny_network(0), digits_data, recipe, rungs=(4,))
    steps = 4 * (len(digits_data.training) // 64)
    warmup = round(recipe.warmup_epochs * steps / 4)
    assert temperatures == [temperature(k, steps=steps, share=0.5) for k in range(steps + 1)]
    assert rates == [
        learning_rate(k, steps=steps, warmup=warmup, peak=recipe.learning_rate)
        for k in range(steps)
    ]
    assert temperatures[0] == 1
    assert temperatures[-1] == 0


class Watcher(nn.Module):
    """Notes the batches it sees; its one parameter hardly matters."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(10))
        self.trained: list[int] = []
        self.measured: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        (self.trained if self.training else self.measured).append(len(images))
        return images.flatten(1)[:, :10] * self.scale


def shortened(data: TrainingData, training: int, evaluation: int) -> TrainingData:
    return replace(
        data,
        training=Sample(data.training.arrays, data.training.index[:training]),
        evaluation=Sample(data.evaluation.arrays, data.evaluation.index[:evaluation]),
    )


@pytest.mark.parametrize(("images", "batches"), [(129, [64, 64]), (64, [64]), (40, [40]), (2, [2])])
def test_incomplete_batches_are_dropped_in_training_alone(
    digits_data: TrainingData, images: int, batches: list[int]
) -> None:
    """No batch norm ever sees a batch of one, and every validation image is measured."""
    network = Watcher()
    found = curve(network, shortened(digits_data, images, 65), rungs=(1, 2))
    assert network.trained == batches * 2
    assert network.measured == [64, 1] * 2
    assert found[0].images == 65


def test_one_training_image_is_too_few(digits_data: TrainingData) -> None:
    with pytest.raises(InputError, match="too few"):
        shortened(digits_data, 1, 65)


class Blowing(Watcher):
    """Logits of one value everywhere, from a given call on."""

    def __init__(self, value: float, *, in_training: bool) -> None:
        super().__init__()
        self.value, self.in_training = value, in_training

    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        return logits * self.value if self.training == self.in_training else logits


@pytest.mark.parametrize("value", [nan, float("inf"), -float("inf")])
@pytest.mark.parametrize("in_training", [True, False])
def test_a_loss_that_is_not_finite_is_an_error_and_no_measurement(
    digits_data: TrainingData, value: float, *, in_training: bool
) -> None:
    seen: list[Measurement] = []

    def keep(measurement: Measurement) -> Verdict:
        seen.append(measurement)
        return Verdict.CONTINUE

    where = "training" if in_training else "validation"
    with pytest.raises(NonFiniteError, match=where) as caught:
        train(
            Blowing(value, in_training=in_training),
            digits_data,
            RECIPE,
            seed=0,
            rungs=(1,),
            on_rung=keep,
        )
    assert seen == []
    assert outcome_of(caught.value).cause == "non-finite"


def test_a_clip_bounds_the_gradient(
    digits_data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    descend = torch.optim.SGD.step

    def record_step(self: torch.optim.SGD, *args: object) -> object:
        squares = [p.grad.square().sum() for g in self.param_groups for p in g["params"]]
        norms.append(float(torch.stack(squares).sum().sqrt()))
        return descend(self, *args)

    monkeypatch.setattr(torch.optim.SGD, "step", record_step)
    curve(Watcher(), digits_data, RECIPE, rungs=(1,))
    free = max(norms)
    norms.clear()
    curve(Watcher(), digits_data, RECIPE.changed(gradient_clip=free / 10), rungs=(1,))
    assert max(norms) <= free / 10 * (1 + 1e-4)


@pytest.mark.parametrize("rungs", [(), (0, 1), (1, 5)])
def test_rungs_outside_the_run_are_refused(
    tiny_network: Make, digits_data: TrainingData, rungs: tuple[int, ...]
) -> None:
    with pytest.raises(InputError, match="do not lie in a run of 4 epochs"):
        curve(tiny_network(0), digits_data, rungs=rungs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_learns_what_the_cpu_learns(tiny_network: Make, digits_data: TrainingData) -> None:
    cpu, gpu = (curve(tiny_network(0), digits_data, device=name)[-1] for name in ("cpu", "cuda"))
    assert gpu.accuracy == pytest.approx(cpu.accuracy, abs=4 * cpu.accuracy_error)
