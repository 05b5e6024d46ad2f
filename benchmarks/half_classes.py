"""Whether trials start better from a plain network that has learnt other classes.

The images of a data set are parted by class. A plain network is trained on one half of the classes,
and its weights without the classifier are given as `start` of a study on the other half, which has
few images. The same networks are trained there from scratch, by the same recipe, and searched with
the same seed; a plain network from scratch and one from the file stand beside them.

    python benchmarks/half_classes.py --files /usr/share/datasets/fashion-mnist

The last line is JSON. Each search of `--folder` that is over is not repeated.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from kwsearch import api
from kwsearch.problems import images_of, problem
from kwsearch.settings import from_plain
from kwsearch.tasks import recipe_of
from search_spaces.backbones import shipped
from search_spaces.networks import read_tensors
from trials.records import Measurement, Verdict
from trials.tasks.classification.data.idx import find_idx, read_idx
from trials.tasks.classification.plain import train_plain
from trials.tasks.classification.proxy import ProxyTask

CLASSES, HALF = 10, 5
BACKBONE = "resnet8x0.5"
SPACE = {
    "backbone": BACKBONE,
    "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
    "cell_outplane_ratio": [0.25, 0.5, 1.0],
    "sharing_range": ["none", "layer", "stage"],
}
STARTS = ("scratch", "file")

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Grey images, and the class of each."""


def read(files: Path | None) -> tuple[Images, Images]:
    """Images to learn from and images to compare on; scikit-learn's digits without files."""
    if files is None:
        digits = load_digits()
        images = np.round(digits.images * 255 / 16).astype(np.uint8)
        own = np.arange(len(images)) % 3 > 0
        labels = digits.target.astype(np.int64)
        return (images[own], labels[own]), (images[~own], labels[~own])
    found = find_idx(files)
    if found is None:
        raise SystemExit(f"There are no four IDX files in {files}.")
    pixels = [read_idx(path) for path in found]
    return (pixels[0], pixels[1].astype(np.int64)), (pixels[2], pixels[3].astype(np.int64))


def write(folder: Path, parts: dict[str, Images], classes: range, most: dict[str, int]) -> Path:
    """Write some images of some classes as a folder with parts, unless it is there."""
    if folder.is_dir():
        return folder
    for part, (images, labels) in parts.items():
        for label in classes:
            place = folder / part / f"class-{label}"
            place.mkdir(parents=True)
            for number, image in enumerate(images[labels == label][: most[part]]):
                Image.fromarray(image.squeeze()).save(place / f"{number}.png")
    return folder


def name_of(given: argparse.Namespace, start: str, seed: int) -> str:
    """Of a search; the learning rate of a start is no part of one from scratch."""
    return f"scratch-{seed}" if start == "scratch" else f"file-{given.start_learning_rate:g}-{seed}"


def study(given: argparse.Namespace, data: Path, start: str, seed: int) -> dict[str, Any]:
    """The settings of a search."""
    return {
        "name": name_of(given, start, seed),
        "space": SPACE,
        "budget": {"max_params": "200k"},
        "proxy": {
            "data": str(data),
            "epochs": given.epochs,
            "batch_size": given.batch_size,
            "start": start,
            "start_learning_rate": given.start_learning_rate,
        },
        "baselines": {"seeds": 1, "networks": []},
        "search": {
            "trials": given.networks,
            "sampler": "random",
            "promotion": "none",
            "seed": seed,
            "reuse": False,
        },
        "execution": {"threads": 1},
    }


def pretrained(given: argparse.Namespace, data: Path, seed: int) -> Path:
    """Weights of a plain network trained on the first half, without its classifier."""
    file = given.folder / f"first-half-{seed}.safetensors"
    if file.is_file():
        return file
    settings = from_plain(study(given, data, "scratch", seed))
    images = images_of(settings)
    edge = images.size or 0
    table = shipped(BACKBONE, len(images.classes), images.channels, (edge, edge))
    ladder = problem(settings, table).ladder
    task = ProxyTask(
        prepared=images,
        recipe=recipe_of(settings, ladder),
        ladder=ladder,
        split_seed=seed,
        threads=1,
        way=settings.proxy.way,
        backbone=table,
    )

    def told(measurement: Measurement) -> Verdict:
        print(f"first half, seed {seed}: {measurement.accuracy:.4f} after {measurement.epoch}")
        return Verdict.CONTINUE

    weights = train_plain(task, table, seed=seed, report=told, folder=given.folder / "plain")
    kept = {n: t for n, t in read_tensors(weights).items() if t.dim() == 0 or len(t) != HALF}
    save_file({name: value.contiguous() for name, value in kept.items()}, file)
    return file


def searched(given: argparse.Namespace, data: Path, start: str, seed: int) -> dict[str, Any]:
    """Search, unless that is done: by network accuracies at each rung, and the plain network's."""
    settings, database = study(given, data, start, seed), str(given.folder / "kwsearch.db")
    name = settings["name"]
    if Path(database).is_file() and name in {s["study"] for s in api.studies(database=database)}:
        api.resume(name, database=database)
    else:
        api.search(settings, database=database)
    (plain,) = api.baselines(name, database=database)
    curves: dict[str, list[float]] = {}
    for row in api.trials(name, database=database):
        shown = api.show(name, row["trial"], database=database)
        curves[row["digest"]] = [m["accuracy"] for m in shown["measurements"]]
    best = max(row["accuracy"] for row in api.front(name, database=database))
    return {"plain": plain["accuracy"], "best": best, "curves": curves}


def compared(found: dict[tuple[str, int], dict[str, Any]], rungs: list[int]) -> dict[str, Any]:
    """Print means by seed and over them; return what they say."""
    said: dict[str, Any] = {"seeds": []}
    print("| seed | start | " + " | ".join(f"epoch {r}" for r in rungs) + " | best | plain |")
    for seed in sorted({seed for _, seed in found}):
        rows = dict(_rows(found, seed))
        said["seeds"].append({"seed": seed, **rows})
        for start, row in rows.items():
            print(f"| {seed} | {start} | " + " | ".join(f"{value:.3f}" for value in row) + " |")
    for start in STARTS:
        columns = zip(*(one[start] for one in said["seeds"]), strict=True)
        said[start] = [mean(column) for column in columns]
        print(f"| mean | {start} | " + " | ".join(f"{value:.3f}" for value in said[start]) + " |")
    return said


def _rows(found: dict[tuple[str, int], dict[str, Any]], seed: int) -> Iterator[tuple[str, Any]]:
    """Mean accuracy of the networks that both starts have trained, by rung; the best; the plain."""
    both = set.intersection(*(set(found[start, seed]["curves"]) for start in STARTS))
    for start in STARTS:
        own = found[start, seed]
        by_rung = zip(*(own["curves"][digest] for digest in sorted(both)), strict=True)
        yield start, [*map(mean, by_rung), own["best"], own["plain"]]


def main() -> None:
    """Write the images, train, search, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--files", type=Path, help="folder of the four files of Fashion-MNIST")
    parser.add_argument(
        "--folder", type=Path, help="where everything is kept; thrown away if unset"
    )
    parser.add_argument("--networks", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 3, 9])
    parser.add_argument(
        "--start-learning-rate", type=float, default=0.01, help="of searches from the file"
    )
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--first", type=int, default=1000, help="images a class of the first half")
    parser.add_argument("--few", type=int, default=100, help="images a class of the other half")
    parser.add_argument("--quick", action="store_true", help="the digits, 2 networks, one seed")
    given = parser.parse_args()
    if given.quick:
        given.files, given.networks, given.seeds, given.epochs = None, 2, [0], [1, 2]
        given.few = 40
    elif given.files is None:
        parser.error("--files is needed, or --quick")
    torch.set_num_threads(1)
    given.folder = (given.folder or Path(tempfile.mkdtemp())).resolve()
    learn, compare = read(given.files)
    parts = {"train": learn, "val": compare, "test": compare}
    first = {"train": given.first, "val": 200, "test": 1}
    few = {"train": given.few, "val": 200, "test": 1}
    one = write(given.folder / "first", parts, range(HALF), first)
    other = write(given.folder / "other", parts, range(HALF, CLASSES), few)
    found = {}
    for seed in given.seeds:
        file = pretrained(given, one, seed)
        for start in STARTS:
            given_as = "scratch" if start == "scratch" else str(file)
            found[start, seed] = searched(given, other, given_as, seed)
    print(json.dumps(compared(found, given.epochs)))


if __name__ == "__main__":
    main()
