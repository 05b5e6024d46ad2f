"""Data sets by name and from folders: what is read, and what is refused."""

import gzip
import pickle
import struct
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision import datasets

from search_spaces import InputError
from trials.tasks.classification.data import Prepared, load, prepare
from trials.tasks.classification.data.fit import fit
from trials.tasks.classification.data.idx import FILES, read_idx
from trials.tasks.classification.data.packaged import DEBIAN_FASHION

RNG = np.random.default_rng(0)


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    return (
        struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()
    )


def write_idx_set(folder: Path, *, zipped: bool) -> dict[str, NDArray[np.uint8]]:
    folder.mkdir(parents=True)
    written = {}
    for name, count in zip(FILES, (40, 40, 20, 20), strict=True):
        images = "images" in name
        values = (
            RNG.integers(0, 256, (count, 6, 6), dtype=np.uint8)
            if images
            else (np.arange(count, dtype=np.uint8) % 10)
        )
        raw = idx_bytes(values)
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(raw) if zipped else raw)
        written[name] = values
    return written


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("place", ["", "raw", "FashionMNIST/raw"])
def test_idx_files_are_read_as_they_were_written(
    tmp_path: Path, cache: Path, place: str, *, zipped: bool
) -> None:
    written = write_idx_set(tmp_path / "set" / place, zipped=zipped)
    prepared = prepare("fashion-mnist", image_size=None, folder=tmp_path / "set", cache=cache)
    train, test = load(prepared), load(prepared, "test")
    found = (train.images[:, 0], train.labels, test.images[:, 0], test.labels)
    for values, name in zip(found, FILES, strict=True):
        assert np.asarray(values).tolist() == written[name].tolist()
    assert prepared.classes[9] == "ankle boot"


def test_a_folder_of_idx_files_needs_no_name(tmp_path: Path, cache: Path) -> None:
    write_idx_set(tmp_path / "clothes", zipped=True)
    prepared = prepare(str(tmp_path / "clothes"), image_size=None, folder=None, cache=cache)
    assert prepared.classes == tuple("0123456789")
    assert (prepared.train_count, prepared.test_count) == (40, 20)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0\x08\x03\0\0",
        idx_bytes(np.zeros((3, 2, 2), dtype=np.uint8))[:-1],
        idx_bytes(np.zeros((3, 2, 2), dtype=np.uint8)).replace(b"\x08", b"\x0d"),
        idx_bytes(np.zeros((3, 2, 2), dtype=np.uint8)) + b"\0",
    ],
    ids=["empty", "head cut", "body cut", "floats", "too long"],
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_damaged_idx_file_is_named(tmp_path: Path, raw: bytes, ending: str) -> None:
    path = tmp_path / f"images{ending}"
    path.write_bytes(gzip.compress(raw) if ending else raw)
    with pytest.raises(InputError, match=str(path)):
        read_idx(path)


@pytest.mark.parametrize("keep", [0, 5, -3])
def test_a_gzip_file_cut_short_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((3, 2, 2), dtype=np.uint8)))[:keep])
    with pytest.raises(InputError, match=str(path)):
        read_idx(path)


@pytest.mark.skipif(
    not DEBIAN_FASHION.is_dir(), reason="the Debian package dataset-fashion-mnist is not installed"
)
def test_debians_fashion_mnist_is_found_and_whole(cache: Path) -> None:
    prepared = prepare("fashion-mnist", image_size=None, folder=None, cache=cache)
    assert (prepared.train_count, prepared.test_count, prepared.size) == (60_000, 10_000, 28)
    arrays = load(prepared)
    assert np.bincount(arrays.labels).tolist() == [6000] * 10
    assert int(arrays.images[::100].astype(np.int64).sum()) == 33_948_152


def write_classes(folder: Path, classes: dict[str, int], mode: str = "L", edge: int = 6) -> None:
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            shape = (edge, edge) if mode == "L" else (edge, edge, 3)
            pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")


def test_class_folders_are_read_in_alphabetical_order(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"dog": 12, "cat": 6}, mode="RGB")
    (tmp_path / "set" / "cat" / "notes.txt").write_text("not an image")
    prepared = prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    assert (prepared.classes, prepared.channels, prepared.size) == (("cat", "dog"), 3, 6)
    assert (prepared.train_count, prepared.test_count) == (15, 3)
    expected = {
        (np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes(), path.parent.name)
        for path in (tmp_path / "set").glob("*/*.png")
    }
    found = {
        (image.tobytes(), prepared.classes[label])
        for part in ("train", "test")
        for image, label in zip(*vars_of(prepared, part), strict=True)
    }
    assert found == expected


def vars_of(prepared: Prepared, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    arrays = load(prepared, "train" if part == "train" else "test")
    return arrays.images, arrays.labels


@pytest.mark.parametrize("apart", ["val", "test"])
def test_a_test_folder_beside_the_training_folder_is_the_test_set(
    tmp_path: Path, cache: Path, apart: str
) -> None:
    write_classes(tmp_path / "set" / "train", {"a": 5, "b": 5})
    write_classes(tmp_path / "set" / apart, {"a": 2, "b": 1})
    prepared = prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    assert (prepared.train_count, prepared.test_count) == (10, 3)
    assert load(prepared, "test").labels.tolist() == [0, 0, 1]


def test_grey_images_keep_one_channel_and_mixed_ones_have_three(
    tmp_path: Path, cache: Path
) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    grey = prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    write_classes(tmp_path / "set", {"c": 4}, mode="RGB")
    mixed = prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    assert (grey.channels, mixed.channels) == (1, 3)
    assert grey.path != mixed.path


def test_damaged_images_are_all_named(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 6, "b": 6}, edge=16)
    damaged = [tmp_path / "set" / "a" / "001.png", tmp_path / "set" / "b" / "004.png"]
    damaged[0].write_bytes(damaged[0].read_bytes()[:90])
    damaged[1].write_bytes(b"no image at all")
    (tmp_path / "set" / "b" / "005.png").write_bytes(b"")
    with pytest.raises(InputError) as caught:
        prepare(str(tmp_path / "set"), image_size=8, folder=None, cache=cache)
    assert all(str(path) in caught.value.cause for path in damaged)
    assert list(cache.iterdir()) == []


def test_no_more_than_twenty_damaged_images_are_named(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set" / "train", {"a": 25, "b": 5})
    for path in (tmp_path / "set" / "train" / "a").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(InputError) as caught:
        prepare(str(tmp_path / "set"), image_size=8, folder=None, cache=cache)
    assert caught.value.cause.count("cannot be decoded") == 20


def test_images_of_several_sizes_need_a_size(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    write_classes(tmp_path / "set", {"c": 4}, edge=9)
    with pytest.raises(InputError, match="is 9 x 9 pixels, not 6 x 6"):
        prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    scaled = prepare(str(tmp_path / "set"), image_size=7, folder=None, cache=cache)
    assert load(scaled).images.shape == (9, 1, 7, 7)


def test_the_middle_square_of_a_long_image_is_used() -> None:
    pixels = np.zeros((1, 4, 12), dtype=np.uint8)
    pixels[:, :, 4:8] = 200
    assert np.array_equal(fit(pixels, 4), np.full((1, 4, 4), 200))
    assert fit(pixels, 3).shape == (1, 3, 3)
    assert fit(np.full((3, 5, 7), 90, dtype=np.uint8), 11).tolist() == [[[90] * 11] * 11] * 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digit", "Did you mean 'digits'"),
        ("no/such/folder", "neither a folder"),
        ("", "neither a folder"),
        ("a\0b", "neither a folder"),
    ],
)
def test_unknown_sources_are_refused(cache: Path, source: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare(source, image_size=None, folder=None, cache=cache)


def test_folders_that_are_no_data_set_are_refused(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(InputError, match="holds 0 class folders"):
        prepare(str(tmp_path), image_size=None, folder=None, cache=cache)
    write_classes(tmp_path / "set" / "train", {"a": 2, "b": 2})
    write_classes(tmp_path / "set" / "val", {"a": 2, "z": 2})
    with pytest.raises(InputError, match="classes without training images: z"):
        prepare(str(tmp_path / "set"), image_size=None, folder=None, cache=cache)
    write_classes(tmp_path / "hole", {"a": 2, "b": 2, "empty": 0})
    with pytest.raises(InputError, match=r"empty holds no image"):
        prepare(str(tmp_path / "hole"), image_size=None, folder=None, cache=cache)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_a_missing_data_set_is_named_with_its_folder(
    tmp_path: Path, cache: Path, name: str
) -> None:
    with pytest.raises(InputError, match=f"{tmp_path}.*{name}") as caught:
        prepare(name, image_size=None, folder=tmp_path, cache=cache)
    assert "download" in caught.value.cure


def write_cifar(folder: Path) -> dict[str, bytes]:
    """CIFAR-10's layout with two images a batch."""
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    written = {
        name: pickle.dumps(
            {
                "data": np.full((2, 3072), number, dtype=np.uint8),
                "labels": [number, 9],
            }
        )
        for number, name in enumerate(names)
    }
    written["batches.meta"] = pickle.dumps({"label_names": [f"class {k}" for k in range(10)]})
    for name, raw in written.items():
        (batches / name).write_bytes(raw)
    return written


def test_cifar_batches_with_the_right_checksum_are_read(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = {name: md5(raw).hexdigest() for name, raw in write_cifar(tmp_path).items()}  # noqa: S324  the sums torchvision checks
    lists = [[name, sums[name]] for name in sums if name.startswith("data")]
    monkeypatch.setattr(datasets.CIFAR10, "train_list", lists)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {**datasets.CIFAR10.meta, "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    prepared = prepare("cifar10", image_size=None, folder=tmp_path, cache=cache)
    assert (prepared.train_count, prepared.test_count, prepared.channels) == (10, 2, 3)
    assert load(prepared).labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert load(prepared).images[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert prepared.classes[3] == "class 3"


def test_cifar_batches_with_a_wrong_checksum_are_not_unpickled(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path)
    monkeypatch.setattr(pickle, "load", lambda *_, **__: pytest.fail("a batch was unpickled"))
    with pytest.raises(InputError, match="does not hold the original files of cifar10"):
        prepare("cifar10", image_size=None, folder=tmp_path, cache=cache)
