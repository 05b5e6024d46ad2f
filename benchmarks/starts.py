"""How trials start: attention by temperature, by assigned cells, and from a trained plain network.

Networks of the preset's space, spread over all of its sizes, are trained to the top rung with each
start, and plain networks of several widths beside them, on the same images and by the same recipe.
A network that starts from a trained plain one (`trained`) has its epochs on top of those.
Printed are accuracies by rung, by band of sizes and by seed, Kendall's tau of each rung with the
top one, and the fronts beside the plain ladder. Only networks that every start has trained count.

    python benchmarks/starts.py --files /usr/share/datasets/fashion-mnist --results starts.jsonl

Every training is written to the results as it ends, and is not repeated. The last line is JSON.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from kwsearch import api, problems
from kwsearch.sections import PLAIN
from kwsearch.settings import StudySettings, from_plain, to_plain
from kwsearch.tasks import recipe_of
from search_spaces import NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from trials.records import Measurement, Trial, Verdict
from trials.tasks.classification.assembly import start_of
from trials.tasks.classification.data import prepare
from trials.tasks.classification.plain import train_plain
from trials.tasks.classification.proxy import ProxyTask

ARMS: dict[str, dict[str, Any]] = {
    "temperature": {"attention_start": "temperature", "attention_learning_rate": 1.0},
    "assigned": {},
    "trained": {"start": "plain"},
}
"""Settings of the proxy by start."""

LADDER = ("x0.25", "x0.5", "")
"""Widths of the plain networks."""

BANDS = 4
"""Bands of sizes, equal over the logarithm of parameters."""


@dataclass(frozen=True)
class Training:
    """One training: which it was, and its accuracy by epoch."""

    arm: str
    network: str
    seed: int
    params: int
    curve: dict[int, float]


class Results:
    """Trainings that are done, a line each in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        rows = [json.loads(line) for line in lines]
        self.done = [
            Training(**{**row, "curve": {int(e): a for e, a in row["curve"].items()}})
            for row in rows
        ]

    def has(self, arm: str, network: str, seed: int) -> bool:
        """Whether a training is done."""
        return any((t.arm, t.network, t.seed) == (arm, network, seed) for t in self.done)

    def add(self, training: Training) -> None:
        """Keep a training."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(vars(training)) + "\n")
        self.done.append(training)
        print(f"{training.arm} {training.network} {training.seed}: {training.curve}", flush=True)


class Study:
    """The preset, its images and its networks."""

    def __init__(self, given: argparse.Namespace) -> None:
        plain = to_plain(api.settings(given.study))
        plain["proxy"]["folder"] = given.files
        if given.epochs:
            plain["proxy"]["epochs"] = given.epochs
        self.plain = plain
        settings = from_plain(plain)
        folder = Path(given.files) if given.files else None
        self.images = prepare(
            settings.proxy.data,
            image_size=settings.proxy.image_size,
            folder=folder,
            cache=given.cache,
            download=False,
        )
        self.shape = (len(self.images.classes), self.images.channels, self.images.size)
        self.table = problems.backbone_of(settings, *self.shape)
        self.asked = problems.problem(settings, self.table)
        self.top = self.asked.ladder.top
        self.folder = given.cache

    def networks(self, number: int) -> list[NetworkConfig]:
        """Networks whose sizes cover the budget; any beginning of the list does so too."""
        space = self.asked.space
        return [space.decode(values) for values in space.spread(number, self.asked.limits, 0)]

    def task(self, arm: str, seed: int) -> ProxyTask:
        """The proxy of a start; one split of the images a seed."""
        settings = self.settings(arm)
        proxy = settings.proxy
        task = ProxyTask(
            prepared=self.images,
            recipe=recipe_of(settings, self.asked.ladder),
            ladder=self.asked.ladder,
            split_seed=seed,
            validation_share=proxy.validation_share,
            training_share=proxy.training_share,
            threads=1,
            way=proxy.way,
            backbone=self.table,
        )
        if proxy.start != PLAIN:
            return task
        path = train_plain(task, self.table, seed=seed, report=noting({}), folder=self.folder)
        recipe = task.recipe.changed(learning_rate=proxy.start_learning_rate)
        return replace(task, start=replace(start_of(path), identity=path.stem), recipe=recipe)

    def settings(self, arm: str) -> StudySettings:
        """The preset with the settings of a start."""
        return from_plain({**self.plain, "proxy": self.plain["proxy"] | ARMS.get(arm, {})})

    def train(self, arm: str, network: NetworkConfig, seed: int) -> Training:
        """Train a network with a start."""
        plan = plan_network(network, self.table)
        costs = count(plan)
        trial = Trial("starts", 0, network, plan.digest, costs.params, costs.macs, seed)
        curve: dict[int, float] = {}
        self.task(arm, seed)(trial, noting(curve))
        return Training(arm, plan.digest[:12], seed, costs.params, curve)

    def train_plain(self, name: str, seed: int) -> Training:
        """Train a plain network of the ladder."""
        classes, channels, edge = self.shape
        table = shipped(name, classes, channels, (edge, edge) if edge else None)
        curve: dict[int, float] = {}
        task = self.task("plain", seed)
        train_plain(task, table, seed=seed, report=noting(curve), folder=self.folder)
        return Training("plain", name, seed, table.params, curve)


def noting(curve: dict[int, float]) -> Any:  # noqa: ANN401 - a function
    """What writes measurements into a curve."""

    def note(measurement: Measurement) -> Verdict:
        curve[measurement.epoch] = round(measurement.accuracy, 5)
        return Verdict.CONTINUE

    return note


def train_all(study: Study, results: Results, given: argparse.Namespace) -> None:
    """Train what is not done: all starts of a network one after the other, seed by seed."""
    base = study.table.name.partition("x")[0]
    for seed in given.seeds:
        for network in study.networks(given.networks):
            digest = plan_network(network, study.table).digest[:12]
            for arm in given.starts:
                if not results.has(arm, digest, seed):
                    results.add(study.train(arm, network, seed))
        for width in LADDER:
            if not results.has("plain", base + width, seed):
                results.add(study.train_plain(base + width, seed))


def compared(
    done: Sequence[Training], starts: Sequence[str]
) -> dict[str, dict[tuple[str, int], Training]]:
    """Trainings by start and by (network, seed), where every start has them."""
    found = {s: {(t.network, t.seed): t for t in done if t.arm == s} for s in starts}
    common = set.intersection(*(set(one) for one in found.values()))
    return {start: {key: one[key] for key in sorted(common)} for start, one in found.items()}


def report(done: Sequence[Training], starts: Sequence[str], rungs: Sequence[int]) -> dict[str, Any]:
    """Print the tables; return what they say."""
    arms = compared(done, starts)
    found: dict[str, Any] = {"networks": len(next(iter(arms.values()))), "starts": {}}
    print("| start | " + " | ".join(f"epoch {r}" for r in rungs) + " | tau of "
          + " | tau of ".join(map(str, rungs[:-1])) + " |")  # fmt: skip
    for start, trainings in arms.items():
        means = [mean(t.curve[r] for t in trainings.values()) for r in rungs]
        taus = [tau([*trainings.values()], rung, rungs[-1]) for rung in rungs[:-1]]
        found["starts"][start] = {"accuracy": means, "tau": taus}
        print(f"| {start} | " + " | ".join(f"{v:.3f}" for v in (*means, *taus)) + " |")
    first, *others = arms
    for other in others:
        found[f"{first} - {other}"] = bands(arms[first], arms[other], rungs)
    plain = sorted((t.params, t.seed, t.curve[rungs[-1]]) for t in done if t.arm == "plain")
    for params, seed, accuracy in plain:
        best = {
            start: max(
                (t.curve[rungs[-1]] for t in trainings.values()
                 if t.seed == seed and t.params <= params),
                default=None,
            )
            for start, trainings in arms.items()
        }  # fmt: skip
        print(f"plain, {params:,} parameters, seed {seed}: {accuracy:.3f}; best front: {best}")
    return found


def tau(trainings: Sequence[Training], rung: int, top: int) -> float:
    """Kendall's tau of a rung with the top one, the mean over seeds."""
    seeds = sorted({t.seed for t in trainings})
    values = []
    for seed in seeds:
        own = [t for t in trainings if t.seed == seed]
        values.append(kendalltau([t.curve[rung] for t in own], [t.curve[top] for t in own])[0])
    return float(mean(values))


def bands(
    one: dict[tuple[str, int], Training],
    other: dict[tuple[str, int], Training],
    rungs: Sequence[int],
) -> list[dict[str, Any]]:
    """Gains in points by band of sizes, small to large, printed too."""
    keys = sorted(one, key=lambda key: one[key].params)
    rows = []
    for part in np.array_split(np.array(keys, dtype=object), min(BANDS, len(keys))):
        of_band = [tuple(key) for key in part]
        sizes = [one[key].params for key in of_band]
        gains = [
            100 * mean(one[key].curve[r] - other[key].curve[r] for key in of_band) for r in rungs
        ]
        rows.append({"params": [min(sizes), max(sizes)], "points": gains})
        told = ", ".join(f"{g:+.1f} at {r}" for g, r in zip(gains, rungs, strict=True))
        print(f"{min(sizes):,} to {max(sizes):,} parameters, {len(of_band)} trainings: {told}")
    return rows


def main() -> None:
    """Train what is missing, print tables and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--study", default="fashion-mnist", help="a study file or a preset")
    parser.add_argument("--files", help="where the files of a named data set lie")
    parser.add_argument("--results", type=Path, help="a file of trainings; thrown away if unset")
    parser.add_argument("--cache", type=Path, default=Path("runs/starts"), help="a folder")
    parser.add_argument("--starts", nargs="+", default=["assigned", "temperature"])
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="+", help="rungs; the study's if unset")
    parser.add_argument("--quick", action="store_true", help="the digits, 4 networks, one seed")
    given = parser.parse_args()
    if given.quick:
        given.study, given.files, given.networks, given.seeds = "quickstart", None, 4, [0]
        given.epochs = given.epochs or [1, 2]
    scratch = Path(tempfile.mkdtemp())
    given.results = given.results or scratch / "starts.jsonl"
    study, results = Study(given), Results(given.results)
    train_all(study, results, given)
    done = [training for training in results.done if training.seed in given.seeds]
    found = report(done, given.starts, study.asked.ladder.rungs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
