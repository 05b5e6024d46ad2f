"""Crops, mirror images and normalisation of whole batches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from trials.tasks.classification.augment import augment, crop_at, mirror_where, normalise
from trials.tasks.classification.data import TrainingData


def pictures(seed: int, batch: int = 6, channels: int = 3, edge: int = 5) -> Tensor:
    draws = Generator().manual_seed(seed)
    shape = (batch, channels, edge, edge + 1)
    return torch.randint(1, 256, shape, generator=draws, dtype=torch.uint8)


@given(st.integers(0, 1000), st.integers(0, 4), st.data())
def test_each_image_has_its_own_crop(seed: int, padding: int, data: st.DataObject) -> None:
    """Compared with a slice of each padded image by itself."""
    images = pictures(seed)
    draw = st.lists(st.integers(0, 2 * padding), min_size=6, max_size=6)
    top, left = (data.draw(draw) for _ in range(2))
    cropped = crop_at(images, padding, torch.tensor(top), torch.tensor(left))
    for image, out, row, column in zip(images, cropped, top, left, strict=True):
        padded = torch.zeros(3, 5 + 2 * padding, 6 + 2 * padding, dtype=torch.uint8)
        padded[:, padding : padding + 5, padding : padding + 6] = image
        assert torch.equal(out, padded[:, row : row + 5, column : column + 6])


def test_a_crop_without_padding_is_the_image() -> None:
    images = pictures(0)
    origin = torch.zeros(6, dtype=torch.int64)
    assert torch.equal(crop_at(images, 0, origin, origin), images)
    untouched = augment(images, Generator().manual_seed(0), padding=0, flip=False)
    assert torch.equal(untouched, images)


@given(st.integers(0, 1000), st.lists(st.booleans(), min_size=6, max_size=6))
def test_mirroring_twice_is_the_image(seed: int, chosen: list[bool]) -> None:
    images, where = pictures(seed), torch.tensor(chosen)
    once = mirror_where(images, where)
    assert torch.equal(mirror_where(once, where), images)
    assert torch.equal(once[where], images[where].flip(-1))
    assert torch.equal(once[~where], images[~where])


def test_the_same_generator_state_draws_the_same_images() -> None:
    images = pictures(0, batch=64)
    first, again, other = (
        augment(images, Generator().manual_seed(seed), padding=2, flip=True) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.dtype is torch.uint8
    assert first.shape == images.shape


def test_every_shift_and_both_sides_occur_about_equally_often() -> None:
    """A single bright pixel shows where each image went: 9 shifts, each 1/9 of 18,000 images."""
    images = torch.zeros(18_000, 1, 5, 5, dtype=torch.uint8)
    images[:, :, 2, 2] = 255
    out = augment(images, Generator().manual_seed(0), padding=1, flip=False)
    counts = (out[:, 0] > 0).sum(0)[1:4, 1:4]
    assert int(counts.sum()) == 18_000
    assert int((counts - 2000).abs().max()) < 5 * (18_000 * 1 / 9 * 8 / 9) ** 0.5
    images = torch.zeros(10_000, 1, 1, 2, dtype=torch.uint8)
    images[..., 0] = 255
    mirrored = augment(images, Generator().manual_seed(0), padding=0, flip=True)[..., 1] > 0
    assert abs(int(mirrored.sum()) - 5000) < 5 * 50


def test_training_images_have_mean_zero_and_deviation_one(digits_data: TrainingData) -> None:
    pixels, _ = digits_data.training.batch(torch.arange(len(digits_data.training)).numpy())
    mean, std = torch.tensor(digits_data.mean), torch.tensor(digits_data.std)
    images = normalise(torch.from_numpy(pixels), mean, std)
    assert images.dtype is torch.float32
    assert float(images.double().mean()) == pytest.approx(0, abs=1e-6)
    assert float(images.double().std(correction=0)) == pytest.approx(1, abs=1e-6)
