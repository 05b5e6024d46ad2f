"""Mixing keeps pixels and shares together."""

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional

from trials.tasks.classification.mixing import Mix, draw_mix, mixed, mixed_loss
from trials.tasks.classification.recipe import small_images

IMAGES = torch.rand(6, 3, 8, 8, generator=Generator().manual_seed(0))
TARGET = torch.arange(6)


def draws(count: int = 200, **alphas: float) -> list[Mix]:
    generator = Generator().manual_seed(0)
    recipe = small_images(5).changed(**alphas)
    return [draw_mix(recipe, generator) for _ in range(count)]


def test_nothing_is_drawn_where_mixing_is_off() -> None:
    generator = Generator().manual_seed(0)
    assert draw_mix(small_images(5), generator) == Mix()
    assert torch.equal(generator.get_state(), Generator().manual_seed(0).get_state())
    images, partner, share = mixed(IMAGES, TARGET, Mix())
    assert images is IMAGES
    assert share == 1
    assert torch.equal(partner, TARGET)


def test_mixup_blends_an_image_with_its_neighbour() -> None:
    images, partner, share = mixed(IMAGES, TARGET, Mix(0.75))
    assert partner.tolist() == [1, 0, 3, 2, 5, 4]
    assert share == 0.75
    torch.testing.assert_close(images, 0.75 * IMAGES + 0.25 * IMAGES[partner])


def test_cutmix_takes_a_box_from_the_neighbour_and_counts_its_pixels() -> None:
    images, partner, share = mixed(IMAGES, TARGET, Mix(0.8, (0.25, 0.5, 0.75, 1.0)))
    box = torch.zeros(8, 8, dtype=torch.bool)
    box[2:6, 4:8] = True
    assert torch.equal(images[:, :, box], IMAGES[partner][:, :, box])
    assert torch.equal(images[:, :, ~box], IMAGES[:, :, ~box])
    assert share == 1 - 16 / 64


def test_the_last_of_an_odd_batch_is_left_alone() -> None:
    images, partner, _ = mixed(IMAGES[:5], TARGET[:5], Mix(0.5))
    assert partner.tolist() == [1, 0, 3, 2, 4]
    torch.testing.assert_close(images[4], IMAGES[4])


def test_parts_of_even_size_are_mixed_as_the_whole_is() -> None:
    """So a batch may be shared by several processes."""
    for mix in draws(20, mixup=0.8, cutmix=1.0):
        whole, _, _ = mixed(IMAGES, TARGET, mix)
        parts = [mixed(IMAGES[at : at + 2], TARGET[at : at + 2], mix)[0] for at in (0, 2, 4)]
        assert torch.equal(torch.cat(parts), whole)


def test_with_both_each_batch_is_mixed_in_one_way_about_equally_often() -> None:
    found = draws(mixup=0.8, cutmix=1.0)
    boxes = sum(mix.box is not None for mix in found)
    assert 70 < boxes < 130
    assert all(0 <= mix.share <= 1 for mix in found)
    assert all(mix.box is None for mix in draws(mixup=0.8))
    assert all(mix.box is not None for mix in draws(cutmix=1.0))


def test_a_box_inside_the_image_has_the_area_that_was_drawn() -> None:
    inside = [
        (mix.share, mix.box)
        for mix in draws(cutmix=1.0)
        if mix.box and min(mix.box) > 0 and max(mix.box) < 1
    ]
    assert len(inside) > 20
    for share, (top, left, bottom, right) in inside:
        assert (bottom - top) * (right - left) == pytest.approx(1 - share)


def one_hot(classes: Tensor) -> Tensor:
    return functional.one_hot(classes, 6).double()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_that_of_soft_targets(smoothing: float) -> None:
    logits = torch.randn(6, 6, dtype=torch.float64, generator=Generator().manual_seed(1))
    partner = TARGET.flip(0)
    soft = 0.3 * one_hot(TARGET) + 0.7 * one_hot(partner)
    soft = (1 - smoothing) * soft + smoothing / 6
    expected = functional.cross_entropy(logits, soft)
    torch.testing.assert_close(mixed_loss(logits, TARGET, partner, 0.3, smoothing), expected)
