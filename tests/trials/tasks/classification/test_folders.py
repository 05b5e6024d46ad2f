"""Folders of images as people have them: what is read, how, and what is said of it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from search_spaces import InputError
from trials.tasks.classification.data import (
    Prepared,
    find,
    for_proxy,
    for_test,
    is_of_before,
    load,
    prepare,
)
from trials.tasks.classification.data.layout import list_folder
from trials.tasks.classification.data.picture import read_image
from trials.tasks.classification.data.reading import READING
from trials.tasks.classification.data.whole_images import open_folder

RNG = np.random.default_rng(0)
EDGE = 6


def write(path: Path, shape: tuple[int, ...] = (EDGE, EDGE)) -> NDArray[np.uint8]:
    """Write an image of noise, in colour if the shape has a third axis; its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


def write_classes(folder: Path, classes: dict[str, int]) -> None:
    for name, count in classes.items():
        for number in range(count):
            write(folder / name / f"{number:03}.png")


def read(folder: Path, cache: Path, **asked: object) -> Prepared:
    settings = {"image_size": None, "folder": None, "cache": cache, **asked}
    return prepare(str(folder), **settings)  # type: ignore[arg-type]  # any of its settings


def contents(images: NDArray[np.uint8]) -> set[bytes]:
    return {image.tobytes() for image in images}


def on_disk(*folders: Path) -> set[bytes]:
    return {
        np.asarray(Image.open(path)).tobytes()
        for folder in folders
        for path in folder.rglob("*.png")
    }


def test_images_in_folders_below_a_class_belong_to_it(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 6, "a/2025/may": 5, "b/more": 3})
    prepared = read(tmp_path / "set", cache)
    assert prepared.train_count + prepared.test_count == 18
    every = [load(prepared, "train"), load(prepared, "test")]
    assert np.bincount(np.concatenate([part.labels for part in every])).tolist() == [9, 9]
    found = contents(every[0].images) | contents(every[1].images)
    assert found == on_disk(tmp_path / "set")


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Valid"])
def test_a_split_of_ones_own_is_taken(tmp_path: Path, cache: Path, validation: str) -> None:
    folders = [tmp_path / "set" / name for name in ("train", validation, "test")]
    for folder, count in zip(folders, (5, 2, 3), strict=True):
        write_classes(folder, {"a": count, "b": count})
    prepared = read(tmp_path / "set", cache)
    data = for_proxy(prepared, seed=3)
    assert contents(data.training.batch(np.arange(10))[0]) == on_disk(folders[0])
    assert contents(data.evaluation.batch(np.arange(4))[0]) == on_disk(folders[1])
    last = for_test(prepared)
    assert (len(data.training), len(data.evaluation)) == (10, 4)
    assert contents(last.training.batch(np.arange(14))[0]) == on_disk(*folders[:2])
    assert contents(last.evaluation.batch(np.arange(6))[0]) == on_disk(folders[2])
    assert f"4 to compare trials on ({validation}/), 6 for the end (test/)" in prepared.summary


@pytest.mark.parametrize("apart", ["val", "valid", "validation", "test", "Test"])
def test_the_only_folder_beside_training_is_kept_for_the_end(
    tmp_path: Path, cache: Path, apart: str
) -> None:
    write_classes(tmp_path / "set" / "train", {"a": 5, "b": 5})
    write_classes(tmp_path / "set" / apart, {"a": 2, "b": 1})
    prepared = read(tmp_path / "set", cache)
    assert contents(load(prepared, "test").images) == on_disk(tmp_path / "set" / apart)
    assert for_proxy(prepared, seed=0).evaluation.arrays.images.shape[0] == 10
    assert f"3 for the end ({apart}/)" in prepared.summary


def test_two_folders_that_stand_for_the_same_are_refused(tmp_path: Path, cache: Path) -> None:
    for name in ("train", "val", "valid"):
        write_classes(tmp_path / name, {"a": 2, "b": 2})
    with pytest.raises(InputError, match="val and valid, which stand for the same"):
        read(tmp_path, cache)


def test_train_may_be_a_class(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"plane": 4, "train": 4})
    assert read(tmp_path / "set", cache).classes == ("plane", "train")


def test_a_class_that_the_test_images_lack_is_told(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set" / "train", {"a": 5, "b": 5, "c": 5})
    write_classes(tmp_path / "set" / "val", {"a": 1, "b": 1})
    write_classes(tmp_path / "set" / "test", {"b": 1, "c": 1})
    told = read(tmp_path / "set", cache).summary
    assert "'c' has no image to compare trials on" in told
    assert "'a' has no image for the end" in told


TURNS = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""What a camera stores of an upright picture, by the orientation that it notes (EXIF 2.3)."""


@pytest.mark.parametrize("orientation", TURNS)
def test_photographs_are_turned_as_their_exif_data_say(tmp_path: Path, orientation: int) -> None:
    upright = RNG.integers(0, 256, (4, 7, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](upright)))
    stored.save(tmp_path / "photo.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "photo.png", 3), upright.transpose(2, 0, 1))


def test_turned_photographs_are_counted(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("x", "y"):
        picture = Image.fromarray(RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        picture.save(tmp_path / "set" / "a" / f"{name}.jpg", exif=exif)
    assert "2 turned as their EXIF data say" in read(tmp_path / "set", cache, image_size=6).summary
    assert open_folder(tmp_path / "set", 3).training.image(0)[0].shape[0] == 3


def test_what_systems_leave_behind_are_no_images(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "set"
    write_classes(root, {"a": 4, "b": 4})
    before = read(root, cache)
    for name in ("a/._000.png", "__MACOSX/a/._000.png", ".DS_Store", "b/.DS_Store"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"Mac OS X")
    write(root / "b" / ".ipynb_checkpoints" / "000-checkpoint.png")
    listed = list_folder(root)
    assert (len(listed.files), listed.classes) == (8, ("a", "b"))
    after = read(root, tmp_path / "other")
    assert "Left out: 5 hidden" in after.summary
    assert after.sha256 == before.sha256


def test_whatever_is_left_out_is_told(tmp_path: Path, cache: Path) -> None:
    root = tmp_path / "set"
    write_classes(root / "train", {"a": 4, "b": 4})
    write_classes(root / "unlabelled", {"": 3})
    for name in ("train/a/1.heic", "train/b/2.HEIC", "train/b/notes.txt", "train/LICENSE"):
        (root / name).write_bytes(b"")
    write(root / "train" / "stray.png")
    told = read(root, cache).summary
    for what in (
        "2 .heic files",
        "1 .txt file",
        "1 without an ending",
        "3 in unlabelled/, beside train/",
        "1 outside of class folders",
    ):
        assert what in told


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    write_classes(tmp_path / "set", {"a": 2, "b": 2})
    write_classes(tmp_path / "elsewhere", {"more": 3})
    (tmp_path / "set" / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "b" / "back").symlink_to(tmp_path / "set")
    assert len(list_folder(tmp_path / "set").files) == 7


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_become_eight_with_white_staying_white(tmp_path: Path, ending: str) -> None:
    values = np.array([[0, 128, 129], [257 * 100, 257 * 100 + 128, 65535]], dtype=np.uint16)
    path = tmp_path / f"deep.{ending}"
    Image.fromarray(values).save(path)
    assert read_image(path, 1).tolist() == [[[0, 0, 1], [100, 100, 255]]]
    assert read_image(path, 3).shape == (3, 2, 3)


def test_images_of_sixteen_bits_are_grey_and_counted(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    Image.fromarray(np.full((6, 6), 257 * 9, dtype=np.uint16)).save(tmp_path / "set/a/deep.png")
    prepared = read(tmp_path / "set", cache)
    assert prepared.channels == 1
    assert "1 brought from 16 bits to 8" in prepared.summary


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.full((6, 6), 70_000, dtype=np.int32), "more than 16 bits a channel"),
        (np.full((6, 6), 0.5, dtype=np.float32), "floating-point values"),
    ],
    ids=["32 bits", "floats"],
)
def test_images_without_a_known_white_are_refused(
    tmp_path: Path, values: NDArray[np.generic], why: str
) -> None:
    Image.fromarray(values).save(tmp_path / "image.tif")
    with pytest.raises(InputError, match=why):
        read_image(tmp_path / "image.tif", 1)


def test_palettes_and_transparency_keep_their_colours(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    pixels = np.zeros((EDGE, EDGE, 4), dtype=np.uint8)
    pixels[..., :3], pixels[::2, :, 3] = (200, 40, 120), 255
    clear = Image.fromarray(pixels)
    clear.save(tmp_path / "set" / "a" / "clear.png")
    opaque = clear.convert("RGB").quantize(4)
    opaque.save(tmp_path / "set" / "a" / "palette.png")
    opaque.save(tmp_path / "set" / "a" / "hole.png", transparency=0)
    prepared = read(tmp_path / "set", cache)
    for name in ("clear", "palette", "hole"):
        image = read_image(tmp_path / "set" / "a" / f"{name}.png", 3)
        assert image.reshape(3, -1).T.tolist() == [[200, 40, 120]] * EDGE**2
    assert "2 without their transparency" in prepared.summary
    assert "8 grey repeated to 3 channels" in prepared.summary


def test_the_first_picture_of_an_animation_is_used_and_told(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    frames = [Image.new("L", (EDGE, EDGE), value) for value in (10, 200)]
    frames[0].save(tmp_path / "set/a/moving.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "set/a/moving.gif", 1).max() == 10
    assert "1 of which the first picture is used" in read(tmp_path / "set", cache).summary


def test_images_that_are_not_square_are_told(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 4, "b": 4})
    wide = write(tmp_path / "set" / "train" / "wide.png", (6, 10))
    (tmp_path / "set" / "train" / "wide.png").rename(tmp_path / "set" / "a" / "wide.png")
    (tmp_path / "set" / "train").rmdir()
    prepared = read(tmp_path / "set", cache, image_size=6)
    assert "1 not square, of which the middle square is used" in prepared.summary
    found = contents(load(prepared, "train").images) | contents(load(prepared, "test").images)
    assert wide[:, 2:8].tobytes() in found


def test_classes_of_few_images_are_learnt_before_they_are_measured(
    tmp_path: Path, cache: Path
) -> None:
    write_classes(tmp_path / "set", {"one": 1, "two": 2, "three": 3, "many": 12})
    prepared = read(tmp_path / "set", cache)
    assert prepared.classes == ("many", "one", "three", "two")
    data = for_proxy(prepared, seed=0)
    sides = [
        np.bincount(sample.arrays.labels[sample.index], minlength=4).tolist()
        for sample in (data.training, data.evaluation)
    ]
    assert sides == [[8, 1, 1, 1], [2, 0, 1, 1]]
    assert np.bincount(load(prepared, "test").labels, minlength=4).tolist() == [2, 0, 1, 0]
    assert "'one' has no image to compare trials on" in prepared.summary
    assert "'one', 'two' have no image for the end" in prepared.summary


def test_where_no_class_has_three_images_none_is_kept_for_the_end(
    tmp_path: Path, cache: Path
) -> None:
    write_classes(tmp_path / "set", {"a": 2, "b": 2})
    prepared = read(tmp_path / "set", cache)
    assert (prepared.train_count, prepared.test_count) == (4, 0)
    assert len(for_proxy(prepared, seed=0).evaluation) == 2
    with pytest.raises(InputError, match="0 evaluation images"):
        for_test(prepared)


def damage(folder: Path) -> list[Path]:
    """Cut an image of a folder of two classes short, and put something else in place of one."""
    write_classes(folder, {"a": 6, "b": 6})
    write(folder / "a" / "large.png", (EDGE, EDGE))
    damaged = [folder / "a" / "001.png", folder / "b" / "004.png"]
    damaged[0].write_bytes(damaged[0].read_bytes()[:60])
    damaged[1].write_bytes(b"no image at all")
    return damaged


def test_damaged_images_are_an_error_that_says_how_to_go_on(tmp_path: Path, cache: Path) -> None:
    damaged = damage(tmp_path / "set")
    with pytest.raises(InputError) as refused:
        read(tmp_path / "set", cache, image_size=6)
    assert all(str(path) in refused.value.cause for path in damaged)
    assert "skip_damaged = true" in refused.value.cure


def test_damaged_images_are_skipped_and_listed_when_asked(tmp_path: Path, cache: Path) -> None:
    damage(tmp_path / "set")
    prepared = read(tmp_path / "set", cache, image_size=6, skip_damaged=True)
    assert prepared.train_count + prepared.test_count == 11
    assert "2 damaged (a/001.png, b/004.png)" in prepared.summary
    listed = json.loads((prepared.path / READING).read_text())
    assert listed["left_out"]["damaged"] == ["a/001.png", "b/004.png"]
    whole = open_folder(tmp_path / "set", 1, skip_damaged=True)
    assert len(whole.training) + len(whole.measuring) == 11
    assert "2 damaged (a/001.png, b/004.png)" in whole.summary


def test_a_class_of_damaged_images_alone_is_an_error(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 3, "b": 1})
    (tmp_path / "set" / "b" / "000.png").write_bytes(b"")
    with pytest.raises(InputError, match="b holds no image that can be read"):
        read(tmp_path / "set", cache, skip_damaged=True)


def test_one_line_tells_what_was_read(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "photos", {"cat": 6, "dog": 12})
    write(tmp_path / "photos" / "cat" / "tabby.png", (6, 6, 3))
    (tmp_path / "photos" / "dog" / "notes.txt").write_text("good")
    assert read(tmp_path / "photos", cache).summary == (
        "photos: 19 images in 2 classes, from 7 of 'cat' to 12 of 'dog': 16 to learn from and "
        "compare trials on, 3 kept for the end. Left out: 1 .txt file. "
        "Changed: 18 grey repeated to 3 channels."
    )


def test_the_line_is_the_same_from_the_cache(tmp_path: Path, cache: Path) -> None:
    damage(tmp_path / "set")
    first, again = (read(tmp_path / "set", cache, skip_damaged=True) for _ in range(2))
    assert first.summary == again.summary != ""


@pytest.mark.parametrize("source", ["digits", "folder"])
def test_grey_is_repeated_to_as_many_channels_as_asked(
    tmp_path: Path, cache: Path, source: str
) -> None:
    write_classes(tmp_path / "folder", {"a": 4, "b": 4})
    name = source if source == "digits" else str(tmp_path / "folder")
    grey, colour = (
        prepare(name, image_size=None, folder=None, cache=cache, channels=channels)
        for channels in (None, 3)
    )
    assert (grey.channels, colour.channels) == (1, 3)
    assert grey.path != colour.path
    assert np.array_equal(load(grey).images.repeat(3, axis=1), load(colour).images)
    every = grey.train_count + grey.test_count
    assert f"Changed: {every:,} grey repeated to 3 channels" in colour.summary
    assert "Changed" not in grey.summary


def test_colour_turns_into_its_luma(tmp_path: Path, cache: Path) -> None:
    write_classes(tmp_path / "set", {"a": 3, "b": 3})
    write(tmp_path / "set" / "a" / "colour.png", (6, 6, 3))
    prepared = read(tmp_path / "set", cache, channels=1)
    wanted = np.asarray(Image.open(tmp_path / "set" / "a" / "colour.png").convert("L"))
    found = contents(load(prepared, "train").images) | contents(load(prepared, "test").images)
    assert wanted.tobytes() in found
    assert prepared.channels == 1
    assert "Changed: 1 in colour turned to grey" in prepared.summary


def text_of_before(prepared: Prepared, folder: Path, files: list[Path]) -> str:
    """The manifest that versions wrote which had one way to read a folder."""
    told = hashlib.sha256()
    for path in files:
        stat = path.stat()
        line = f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"
        told.update(line.encode())
    now = json.loads((prepared.path / "manifest.json").read_text())
    return json.dumps(
        {
            "version": 1,
            "source": str(folder),
            "identity": f"folder {folder.resolve()} {told.hexdigest()}",
            "classes": list(prepared.classes),
            "channels": prepared.channels,
            "size": prepared.size,
            "train": now["train"],
            "test": now["test"],
        },
        indent=1,
    )


@pytest.mark.parametrize("split", [False, True])
def test_a_folder_that_is_read_as_before_has_the_digest_of_before(
    tmp_path: Path, cache: Path, *, split: bool
) -> None:
    folder = tmp_path / "set"
    for part in ("train", "val") if split else ("",):
        write_classes(folder / part, {"a": 4, "b": 4})
    prepared = read(folder, cache)
    text = text_of_before(prepared, folder, sorted(folder.rglob("*.png")))
    assert hashlib.sha256(text.encode()).hexdigest() == prepared.sha256


def test_named_data_sets_have_the_digest_of_before(digits: Prepared) -> None:
    assert digits.sha256[:16] == "6e31d1b935b78efe"
    assert is_of_before(digits)


def test_arrays_that_were_read_in_another_way_are_not_taken(tmp_path: Path, cache: Path) -> None:
    """The folder of the cache in which an earlier version put the same files."""
    folder = tmp_path / "set"
    write_classes(folder, {"a": 4, "b": 4})
    prepared = read(folder, cache)
    identity = json.loads((prepared.path / "manifest.json").read_text())["identity"]
    key = hashlib.sha256(f"1\0{identity}\0None".encode()).hexdigest()[:16]
    before = prepared.path.rename(cache / f"set-own-{key}")
    again = read(folder, cache)
    assert again.path == prepared.path
    assert again.sha256 == prepared.sha256
    found = find(cache, prepared.sha256)
    assert found is not None
    assert found.path in (before.resolve(), again.path)
    assert not is_of_before(again)
