"""What each part of the full recipe for small images gains or costs, by length of the training.

One network of the space of a study with default settings is trained on a few thousand images of
Fashion-MNIST: by the recipe of the search, by the full recipe, and by the full recipe without one
of its parts. Every training is as long as its schedules, and is measured at its end on images that
none learns from.

    python benchmarks/full_recipe.py --files /usr/share/datasets/fashion-mnist \
        --results full_recipe.jsonl

Every training is written to the results as it ends, and is not repeated. The last line is JSON.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

import torch

from kwsearch.sections import ProxySettings, SpaceSettings
from kwsearch.settings import StudySettings
from kwsearch.tasks import recipe_of
from search_spaces import NetworkConfig
from trials.fidelity import Ladder
from trials.records import Measurement, Verdict
from trials.tasks.classification.catalogue import NAMED
from trials.tasks.classification.data import Sample, TrainingData, load, prepare, split
from trials.tasks.classification.data.sample import moments
from trials.tasks.classification.full import FullData
from trials.tasks.classification.full_recipes import full_recipe
from trials.tasks.classification.loop import train
from trials.tasks.classification.per_image import Transformed, for_training
from trials.tasks.classification.recipe import Recipe
from trials.tasks.classification.starting import started

ARMS: dict[str, dict[str, object]] = {
    "search": {},
    "full": {},
    "full, no rand_augment": {"rand_augment": 0},
    "full, no erasing": {"erasing": 0.0},
    "full, no augmentation": {"rand_augment": 0, "erasing": 0.0},
    "full, no ema": {"ema": 0.0},
    "full, no label_smoothing": {"label_smoothing": 0.0},
    "full, warmup_epochs of the search": {"warmup_epochs": 0.5},
}
"""Changes of the full recipe, by arm; the first arm has the recipe of the search."""


@dataclass(frozen=True)
class Asked:
    """What to train on, and by which settings of a study."""

    backbone: str
    source: str
    files: Path | None
    images: int
    evaluated: int
    batch_size: int
    learning_rate: float

    @property
    def network(self) -> NetworkConfig:
        """The network that is trained."""
        return NetworkConfig(
            backbone=self.backbone, num_classes=10, in_channels=1, cell_num_ratio=1.0
        )

    @property
    def proxy(self) -> dict[str, object]:
        """Settings of the study."""
        return {
            "data": self.source,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
        }

    def recipe(self, arm: str, epochs: int) -> Recipe:
        """The recipe of an arm."""
        proxy = ProxySettings(**self.proxy, epochs=(epochs,))  # type: ignore[arg-type]  # checked there
        if arm == "search":
            study = StudySettings(space=SpaceSettings(backbone=self.backbone), proxy=proxy)
            return recipe_of(study, Ladder((epochs,)))
        full = full_recipe(self.backbone, self.source, NAMED[self.source].edge, proxy.model_dump())
        changed = full.changed(
            epochs=epochs, warmup_epochs=full.warmup_epochs * epochs / full.epochs
        )
        return changed.changed(**ARMS[arm])

    def data(self, cache: Path) -> TrainingData:
        """Images to learn from and to measure on, all of the training set."""
        prepared = prepare(self.source, image_size=None, folder=self.files, cache=cache)
        arrays = load(prepared, "train")
        parts = split(arrays.labels, 0)
        few = split(arrays.labels[parts.training], 0, self.images / len(parts.training)).validation
        training = Sample(arrays, parts.training[few])
        return TrainingData(
            training, Sample(arrays, parts.validation[: self.evaluated]), *moments(training)
        )


def accuracy(network: NetworkConfig, data: TrainingData, recipe: Recipe, seed: int) -> float:
    """Share of the images classified rightly at the end of a training."""
    transform = for_training(recipe, data.training.arrays.images.shape[-1])
    changed = data.training if transform is None else Transformed(data.training, transform, seed)
    last: list[Measurement] = []

    def seen(measurement: Measurement) -> Verdict:
        last.append(measurement)
        return Verdict.CONTINUE

    train(
        started(network, attention_start=recipe.attention_start, seed=seed),
        FullData(changed, data.evaluation, data.mean, data.std),
        recipe,
        seed=seed,
        rungs=[recipe.epochs],
        on_rung=seen,
    )
    return last[-1].accuracy


def main() -> None:
    """Train what is not yet in the results, then print means and standard errors over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="resnet8x0.5")
    parser.add_argument("--files", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--evaluated", type=int, default=4000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, nargs="+", default=[3, 9, 30])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--quick", action="store_true", help="the digits, two arms, one seed")
    words = parser.parse_args()
    if words.quick:
        words.files, words.images, words.epochs, words.seeds = None, 600, [2], 1
        words.arms, words.results = ["search", "full"], Path(tempfile.mkdtemp()) / "quick.jsonl"
    elif words.files is None or words.results is None:
        parser.error("--files and --results are needed, or --quick")
    asked = Asked(
        words.backbone,
        "digits" if words.quick else "fashion-mnist",
        words.files,
        words.images,
        words.evaluated,
        words.batch_size,
        words.learning_rate,
    )
    lines = words.results.read_text().splitlines() if words.results.is_file() else []
    done = {
        (row["arm"], row["epochs"], row["seed"]): row["accuracy"] for row in map(json.loads, lines)
    }
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as cache:
        data = asked.data(Path(cache))
        for epochs in words.epochs:
            for seed in range(words.seeds):
                for arm in words.arms:
                    key = (arm, epochs, seed)
                    if key in done:
                        continue
                    done[key] = accuracy(asked.network, data, asked.recipe(arm, epochs), seed)
                    row = {"arm": arm, "epochs": epochs, "seed": seed, "accuracy": done[key]}
                    with words.results.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(row, flush=True)
    for arm in words.arms:
        cells = []
        for epochs in words.epochs:
            found = [done[arm, epochs, seed] for seed in range(words.seeds)]
            error = stdev(found) / sqrt(len(found)) if len(found) > 1 else 0.0
            cells.append(f"{mean(found):.1%} ± {error:.1%}")
        print(f"| {arm} | {' | '.join(cells)} |")
    print(
        json.dumps(
            [{"arm": a, "epochs": e, "seed": s, "accuracy": v} for (a, e, s), v in done.items()]
        )
    )


if __name__ == "__main__":
    main()
