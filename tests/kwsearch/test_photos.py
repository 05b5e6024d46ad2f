"""From folders of images as people have them to a search, an export and a training."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kwsearch import api, driving, seeding
from kwsearch.problems import images_of_study, settings_of
from kwsearch.settings import from_plain
from trials.errors import DamagedDataError
from trials.records import StudyRecord
from trials.tasks.classification.data import class_folders, picture
from trials.tasks.classification.data.idx import find_idx, read_idx
from trials.tasks.classification.data.packaged import DEBIAN_FASHION, FASHION

from .conftest import SMALL, learn

COUNTS = dict.fromkeys(FASHION, 195) | {"bag": 400, "sandal": 40}
"""Pictures of each class: 2,000, one class with ten times as many as another."""

LATER = ("channels", "skip_damaged")
"""Settings of the proxy that earlier versions did not know."""

STUDY = """
[space]
backbone = "resnet8x0.25"
cell_num_ratio = [0.5, 1.0]

[budget]
max_params = "60k"

[proxy]
data = "./photos"
image_size = 28
epochs = [1, 2]
batch_size = 64
skip_damaged = true

[baselines]
seeds = 0

[search]
trials = 2

[execution]
threads = 1
"""


def write(folder: Path, number: int, pixels: NDArray[np.uint8]) -> Path:
    """Write a grey picture ``[H, W]`` in one of the ways in which pictures come."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    match number % 10:
        case 0:
            clear = Image.merge("RGBA", (*[picture] * 3, picture.point(lambda v: 255 * (v > 0))))
            clear.save(path := folder / f"{number:05}.png")
        case 1:
            deep = Image.fromarray(pixels.astype(np.uint16) * 257)
            deep.save(path := folder / f"{number:05}.png")
        case 2:
            exif = Image.Exif()
            exif[0x0112] = 6
            turned = picture.convert("RGB").transpose(Image.Transpose.ROTATE_90)
            turned.save(path := folder / f"{number:05}.JPG", exif=exif, quality=95)
        case 3:
            picture.convert("RGB").quantize(64).save(path := folder / f"{number:05}.png")
        case 4:
            wide = Image.fromarray(np.pad(pixels, ((0, 0), (6, 6))))
            wide.convert("RGB").save(path := folder / f"{number:05}.jpeg", quality=95)
        case _:
            picture.save(path := folder / f"{number:05}.png")
    return path


def pictures() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    files = find_idx(DEBIAN_FASHION)
    assert files is not None
    images, labels = read_idx(files[0]), read_idx(files[1])
    for label, name in enumerate(FASHION):
        for pixels in images[labels == label][: COUNTS[name]]:
            yield name, pixels


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``photos``: 2,000 pictures as a person has them."""
    home = tmp_path_factory.mktemp("person")
    numbers = {name: count() for name in FASHION}
    for number, (name, pixels) in enumerate(pictures()):
        share = next(numbers[name]) / COUNTS[name]
        part = "train" if share < 0.7 else "valid" if share < 0.85 else "test"
        within = ("", "2025", "2025/may")[number % 3]
        path = write(home / "photos" / part / name / within, number, pixels)
        if number % 50 == 0:
            (path.parent / f"._{path.name}").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X")
        if number == 777:
            path.write_bytes(path.read_bytes()[:100])
    shutil.copytree(home / "photos/test/coat", home / "photos/__MACOSX/test/coat")
    (home / "photos/train/.DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (home / "photos/train/coat/notes.txt").write_text("the blue one is mine")
    (home / "photos.toml").write_text(STUDY)
    return home


def kwsearch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kwsearch", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done


READ = (
    "photos: 1,999 images in 10 classes, from 40 of 'sandal' to 400 of 'bag': "
    "1,404 to learn from (train/), 298 to compare trials on (valid/), 297 for the end (test/). "
    'The largest class has 10 times the images of the smallest: class_weights = "balanced" '
    'under [proxy] and quality = "balanced_accuracy" under [objective] let all '
    "classes count the same. "
    "Left out: 1 .txt file; 42 hidden (._*, __MACOSX and the like); "
    "1 damaged (test/dress/00777.png). "
    "Changed: 200 turned as their EXIF data say, 200 brought from 16 bits to 8, "
    "200 without their transparency, 1,199 grey repeated to 3 channels, "
    "200 not square, of which the middle square is used."
)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not DEBIAN_FASHION.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_two_thousand_pictures_of_a_person_from_the_folder_to_a_training(photos: Path) -> None:
    told = kwsearch(photos, "search", "photos.toml").stderr.splitlines()[0]
    print(told)  # noqa: T201 - for whoever looks at what is read
    assert told == READ
    front = json.loads(kwsearch(photos, "front", "photos", "--json").stdout)
    print(front)  # noqa: T201 - likewise
    assert front[-1]["accuracy"] > 0.3
    kwsearch(photos, "export", "photos", "--trial", str(front[-1]["trial"]), "-o", "best", "--onnx")
    kwsearch(photos, "verify", "best")
    done = kwsearch(photos, "train", "best", "--epochs", "3", "-o", "trained")
    assert done.stderr.splitlines()[0] == READ
    results = json.loads((photos / "trained" / "results.json").read_text())
    print(done.stderr)  # noqa: T201 - likewise
    assert (results["read"], results["part"], results["images"]) == (READ, "test", 297)
    assert results["accuracy"] > 0.3
    of_bags = kwsearch(photos, "predict", "trained", "photos/test/bag", "--json")
    named = json.loads(of_bags.stdout)
    assert len(named) == len({row["image"] for row in named}) == 60
    assert [row["fault"] for row in named] == [None] * 60
    again = kwsearch(photos, "evaluate", "trained", "--data", "photos", "--json")
    found = json.loads(again.stdout)
    print(found["accuracy"], found["part"], again.stderr)  # noqa: T201 - likewise
    assert (found["part"], found["images"]) == ("test", 297)
    assert found["left_out"] == ["test/dress/00777.png"]
    assert found["accuracy"] == results["accuracy"]
    bags = next(row for row in found["classes"] if row["class"] == "bag")
    right = sum(row["class"] == "bag" for row in named)
    assert (bags["images"], bags["recall"]) == (60, right / 60)


def write_grey(folder: Path, classes: int = 2, each: int = 6) -> None:
    rng = np.random.default_rng(0)
    for name in "abcdef"[:classes]:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            pixels = rng.integers(0, 256, (16, 16), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def search(name: str, **proxy: object) -> StudyRecord:
    """A study with made-up measurements, in the current directory."""
    settings = {**SMALL, "name": name, "search": {"trials": 2, "promotion": "none"}}
    wanted = from_plain({**settings, "proxy": {"epochs": [1, 2], **proxy}})
    return api.search(wanted, database="runs/kwsearch.db")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(driving, "measure", lambda *_: learn)
    return tmp_path


def test_grey_images_in_three_channels_make_a_network_for_colour(home: Path) -> None:
    study = search("colour", data="digits", channels=3)
    assert study.spec.backbone.in_channels == 3
    assert "1,797 grey repeated to 3 channels" in study.spec.settings["read"]
    database = "runs/kwsearch.db"
    assert api.status("colour", database=database)["images"] == study.spec.settings["read"]
    api.export("colour", folder=home / "best", trial=0, onnx=True, database=database)
    assert api.verify(home / "best")
    told = json.loads((home / "best" / "pretrained_cfg.json").read_text())
    assert told["input_size"] == [3, 8, 8]
    assert len(told["mean"]) == 3
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(home / "best" / "model.onnx").graph
    assert graph.input[0].type.tensor_type.shape.dim[1].dim_value == 3


def test_a_model_for_colour_alone_is_planned_on_grey_images_in_three_channels(home: Path) -> None:
    write_grey(home / "scans")
    plain = {
        "name": "scans",
        "space": {"backbone": "torchvision.models:squeezenet1_1"},
        "proxy": {"data": "./scans", "image_size": 64, "channels": 3},
    }
    rows = api.plan(from_plain(plain), params=11_000_000, number=1, seed=0)
    assert rows[0]["config"]["in_channels"] == 3


def test_a_study_of_images_that_were_read_otherwise_goes_on_with_those(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an earlier version read them: not turned, under the key of one way to read."""
    write_grey(home / "photos")
    exif = Image.Exif()
    exif[0x0112] = 3
    for path in (home / "photos/a").glob("*.png"):
        Image.open(path).save(path, exif=exif)
    with monkeypatch.context() as before:
        before.setattr(picture, "_is_turned", lambda _: False)
        before.setattr(class_folders, "RULES", "")
        old = search("old", data="./photos")
    new = search("new", data="./photos")
    assert old.spec.settings["images"] != new.spec.settings["images"]
    for study in (old, new):
        assert images_of_study(study).sha256 == study.spec.settings["images"]
    (home / "photos/a/0.png").unlink()
    with pytest.raises(DamagedDataError, match="'new' have changed"):
        images_of_study(new)


@pytest.mark.usefixtures("home")
def test_a_study_of_before_these_settings_is_alike() -> None:
    """So that its trials are reused."""
    now = search("now", data="digits")
    settings = dict(now.spec.settings)
    proxy = {key: v for key, v in settings["proxy"].items() if key not in LATER}
    spec = replace(now.spec, name="then", settings={**settings, "proxy": proxy})
    then = replace(now, spec=spec)
    assert len(proxy) == len(settings["proxy"]) - len(LATER)
    assert seeding.alike(now, [then]) == ["then"]
    assert settings_of(then).proxy == settings_of(now).proxy
