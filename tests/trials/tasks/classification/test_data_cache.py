"""The cache is whole or not there, checked, and never runs what it reads."""

import json
import multiprocessing
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest

from search_spaces import InputError
from trials.errors import DamagedDataError, StorageError
from trials.files import file_sha256
from trials.tasks.classification.data import Prepared, for_proxy, for_test, load, prepare


@pytest.fixture
def copy(digits: Prepared, tmp_path: Path) -> Prepared:
    """Prepared digits that a test may damage."""
    folder = tmp_path / "copy"
    shutil.copytree(digits.path, folder)
    return replace(digits, path=folder)


def test_digits_are_1797_images_of_8_pixels(digits: Prepared) -> None:
    arrays = load(digits)
    assert digits.train_count + digits.test_count == 1797
    assert digits.test_count == pytest.approx(1797 / 6, abs=5)
    assert (digits.channels, digits.size, digits.classes) == (1, 8, tuple("0123456789"))
    assert arrays.images.shape == (digits.train_count, 1, 8, 8)
    assert (str(arrays.images.dtype), str(arrays.labels.dtype)) == ("uint8", "int64")
    assert (arrays.images.min(), arrays.images.max()) == (0, 255)


def test_digits_are_scikit_learns_in_255ths(digits: Prepared) -> None:
    from sklearn.datasets import load_digits  # noqa: PLC0415  slow to import

    original = {
        (image.tobytes(), int(label))
        for image, label in zip(
            np.rint(load_digits().images * 255 / 16).astype(np.uint8),
            load_digits().target,
            strict=True,
        )
    }
    for part in ("train", "test"):
        arrays = load(digits, part)
        pairs = zip(arrays.images[:, 0], arrays.labels, strict=True)
        assert {(image.tobytes(), int(label)) for image, label in pairs} <= original


def test_images_are_mapped_read_only(digits: Prepared) -> None:
    images = load(digits).images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_no_test_image_is_trained_or_validated_on(digits: Prepared) -> None:
    """By content: every test image that also occurs elsewhere would show up."""
    data, test = for_proxy(digits, seed=0), load(digits, "test")
    seen = {
        sample.batch(np.array([place]))[0].tobytes()
        for sample in (data.training, data.evaluation)
        for place in range(len(sample))
    }
    assert len(data.training) + len(data.evaluation) == digits.train_count
    assert not seen & {image[None].tobytes() for image in test.images}


def test_a_training_share_thins_each_class_and_leaves_validation_alone(digits: Prepared) -> None:
    whole, thin = for_proxy(digits, seed=0), for_proxy(digits, seed=0, training_share=0.25)
    assert np.array_equal(thin.evaluation.index, whole.evaluation.index)
    assert set(thin.training.index) < set(whole.training.index)
    labels = load(digits).labels
    for label in range(10):
        many = int((labels[whole.training.index] == label).sum())
        assert int((labels[thin.training.index] == label).sum()) == round(many / 4)


def test_a_proxy_does_not_open_the_test_set(copy: Prepared) -> None:
    for path in copy.path.glob("test_*"):
        path.unlink()
    assert len(for_proxy(copy, seed=0).evaluation) > 0
    with pytest.raises(DamagedDataError):
        for_test(copy)


def test_full_training_uses_every_training_image_and_the_test_set(digits: Prepared) -> None:
    data = for_test(digits)
    assert len(data.training) == digits.train_count
    assert len(data.evaluation) == digits.test_count


def test_preparing_again_reads_the_cache(digits: Prepared) -> None:
    written = (digits.path / "train_images.npy").stat()
    again = prepare("digits", image_size=None, folder=None, cache=digits.path.parent)
    assert again == digits
    assert (digits.path / "train_images.npy").stat().st_mtime_ns == written.st_mtime_ns


def test_another_size_is_another_data_set(digits: Prepared, cache: Path) -> None:
    larger = prepare("digits", image_size=12, folder=None, cache=cache)
    own = prepare("digits", image_size=8, folder=None, cache=cache)
    assert larger.path != own.path
    assert load(larger).images.shape[1:] == (1, 12, 12)
    assert np.array_equal(load(own).images, load(digits).images)


def test_prepared_data_travels_by_pickle_and_holds_no_array(digits: Prepared) -> None:
    raw = pickle.dumps(digits)
    assert pickle.loads(raw) == digits  # noqa: S301  written on the line above
    assert len(raw) < 1000


def flip_a_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [flip_a_bit, cut, Path.unlink])
@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy", "manifest.json"])
def test_damage_is_found_and_named(
    copy: Prepared, name: str, damage: Callable[[Path], None]
) -> None:
    damage(copy.path / name)
    with pytest.raises(DamagedDataError, match=str(copy.path)) as caught:
        load(copy)
    assert str(copy.path) in caught.value.cure


def test_damaged_arrays_are_found_when_they_are_prepared_again(cache: Path) -> None:
    prepared = prepare("digits", image_size=None, folder=None, cache=cache)
    flip_a_bit(prepared.path / "test_images.npy")
    with pytest.raises(DamagedDataError, match="SHA-256"):
        prepare("digits", image_size=None, folder=None, cache=cache)


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("wrapped", [False, True], ids=["bare pickle", "array of objects"])
def test_a_pickle_is_refused_and_does_not_run(
    copy: Prepared, tmp_path: Path, *, wrapped: bool
) -> None:
    """Even where the manifest vouches for it."""
    trace = tmp_path / "ran"
    images = copy.path / "train_images.npy"
    if wrapped:
        np.save(images, np.array([Bomb(trace)], dtype=object), allow_pickle=True)
    else:
        images.write_bytes(pickle.dumps(Bomb(trace)))
    manifest = json.loads((copy.path / "manifest.json").read_text())
    manifest["train"]["images"] = {"sha256": file_sha256(images), "shape": [1]}
    (copy.path / "manifest.json").write_text(json.dumps(manifest))
    vouched = replace(copy, sha256=file_sha256(copy.path / "manifest.json"))
    with pytest.raises(DamagedDataError, match="train_images"):
        load(vouched)
    assert not trace.exists()


def prepare_digits(cache: Path) -> Prepared:
    return prepare("digits", image_size=16, folder=None, cache=cache)


def test_processes_that_prepare_at_once_agree(cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        first, *others = pool.map(prepare_digits, [cache] * 3, chunksize=1)
    assert all(other == first for other in others)
    assert [path.name for path in cache.iterdir()] == [first.path.name]


def test_the_slower_of_two_processes_takes_what_is_there(
    digits: Prepared, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process publishes while this one is still writing."""

    def beaten(draft: Path, final: Path) -> Path:
        shutil.copytree(digits.path, final)
        return rename(draft, final)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", beaten)
    prepared = prepare("digits", image_size=None, folder=None, cache=cache)
    assert prepared.sha256 == digits.sha256
    assert list(cache.iterdir()) == [prepared.path]


def test_a_write_cut_short_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        prepare("digits", image_size=None, folder=None, cache=cache)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"needs 0\.1 MB"):
        prepare("digits", image_size=None, folder=None, cache=tmp_path / "file" / "cache")


def test_an_image_size_of_zero_is_refused(cache: Path) -> None:
    with pytest.raises(InputError, match="not positive"):
        prepare("digits", image_size=0, folder=None, cache=cache)
