"""Images are transformed from seeds of their own; folders are read as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from search_spaces import InputError
from trials.tasks.classification.data import TrainingData
from trials.tasks.classification.data.sources import has_test_set
from trials.tasks.classification.data.whole_images import open_folder
from trials.tasks.classification.full_recipes import residual
from trials.tasks.classification.per_image import Transformed, for_measuring, for_training
from trials.tasks.classification.recipe import Recipe, small_images

NOISY = small_images(5).changed(rand_augment=2, erasing=0.5)


def prepared(data: TrainingData, recipe: Recipe, seed: int = 0, workers: int = 0) -> Transformed:
    transform = for_training(recipe, 8)
    assert transform is not None
    return Transformed(data.training, transform, seed, workers)


def pixels(images: Transformed, places: list[list[int]], epoch: int = 0) -> torch.Tensor:
    found = [batch for batch, _ in images.batches([np.array(p) for p in places], epoch)]
    return torch.cat(found)


def test_nothing_is_transformed_where_a_recipe_asks_for_nothing() -> None:
    assert for_training(small_images(5), 8) is None


def test_an_image_looks_the_same_in_whatever_batch_and_process(digits_data: TrainingData) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    images = prepared(digits_data, NOISY)
    whole = pixels(images, [[5, 9, 2, 7]])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(pixels(images, [[5, 9], [2, 7]]), whole)
    assert torch.equal(pixels(prepared(digits_data, NOISY, workers=1), [[5, 9], [2, 7]]), whole)
    assert whole.dtype == torch.uint8
    assert whole.shape == (4, 1, 8, 8)


def test_an_image_looks_different_in_another_epoch_and_training(digits_data: TrainingData) -> None:
    places = [list(range(16))]
    first = pixels(prepared(digits_data, NOISY), places)
    assert not torch.equal(pixels(prepared(digits_data, NOISY), places, epoch=1), first)
    assert not torch.equal(pixels(prepared(digits_data, NOISY, seed=1), places), first)


def test_labels_stay_with_their_images(digits_data: TrainingData) -> None:
    places = np.arange(20)
    ((_, labels),) = prepared(digits_data, NOISY).batches([places], 0)
    assert labels.tolist() == digits_data.training.batch(places)[1].tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ImageNet's layout: three classes, images of many sizes, one of them grey."""
    for part, count in (("train", 4), ("val", 2)):
        for label, name in enumerate(("n01", "n02", "n03")):
            place = tmp_path / part / name
            place.mkdir(parents=True)
            for number in range(count):
                size = (40 + 10 * number, 60)
                colour = 40 * label if number == 3 else (80 * label, 10 * number, 0)
                mode = "L" if number == 3 else "RGB"
                Image.new(mode, size, colour).save(place / f"{number}.png")
    return tmp_path


def test_a_folder_is_read_as_it_is(folder: Path) -> None:
    found = open_folder(folder, 3)
    assert found.classes == ("n01", "n02", "n03")
    assert (len(found.training), len(found.measuring), found.part) == (12, 6, "test")
    image, label = found.training.image(5)
    assert (image.shape, label) == ((3, 60, 50), 1)
    assert image[:, 0, 0].tolist() == [80, 10, 0]
    transform = for_training(residual(), 32)
    assert transform is not None
    for images, size in (
        (Transformed(found.training, transform, 0), 12),
        (Transformed(found.measuring, for_measuring(32), 0), 6),
    ):
        ((batch, labels),) = images.batches([np.arange(size)], 0)
        assert batch.shape == (size, 3, 32, 32)
        assert labels.tolist() == sorted(labels.tolist())


def test_a_folder_without_test_images_lends_a_fixed_part(folder: Path) -> None:
    found = open_folder(folder / "train", 3)
    assert found.part == "held-out"
    assert len(found.training) + len(found.measuring) == 12
    assert not {*found.training.files} & {*found.measuring.files}
    assert sorted(found.measuring.labels) == [0, 1, 2]
    assert not has_test_set(str(folder / "train"))
    assert has_test_set(str(folder))
    assert has_test_set("cifar10")
    assert not has_test_set("digits")


def test_a_damaged_image_is_named(folder: Path) -> None:
    (folder / "train" / "n02" / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1\.png cannot be decoded"):
        open_folder(folder, 3).training.image(5)
