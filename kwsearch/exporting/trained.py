"""A trained network as a folder like an export: completed when its training has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kwsearch.exporting import paragraphs
from kwsearch.exporting.checksums import write_checksums
from kwsearch.exporting.contents import versions, write_json
from kwsearch.exporting.exported import Exported
from kwsearch.exporting.graph import Compared
from kwsearch.exporting.images import settings_from
from kwsearch.exporting.layout import (
    CARD,
    CHECKPOINTS,
    CHECKSUMS,
    COUNTS,
    IMAGES,
    ONNX,
    ORIGIN,
    UPSTREAM,
    WEIGHTS,
)
from kwsearch.exporting.markdown import code, table
from search_spaces import Plan, count
from search_spaces.errors import plural
from trials.files import write_whole

if TYPE_CHECKING:
    from trials.tasks.classification.full import FullTask

_TRAIN = """\
`kwsearch train` with the path of this folder goes on from these weights, with a tenth of the
learning rate in `recipe.toml`: to train it on other images of the same classes."""

_USE = """\
`kwsearch predict` with the path of this folder and those of images names the class of each;
`kwsearch evaluate` with `--data` measures it on images whose classes are known."""

PARTS = {
    "test": "test images",
    "held-out": "held-out images, which neither search nor training saw",
}
"""What the images that a training is measured on are called."""


def complete(
    task: "FullTask",
    exported: Exported,
    results: Mapping[str, Any],
    *,
    onnx: bool = False,
    trust_code: bool = False,
) -> None:
    """Make of a folder that a training has ended in one like an export.

    Doing it again, where that was interrupted, changes nothing else.

    Args:
        task: the training; configuration, table, recipe, weights and results lie in its folder.
        exported: what was trained.
        results: content of ``results.json``.
        onnx: whether the network is written as a graph too, and checked on the test images.
        trust_code: whether code that makes the network may be run for that.

    Raises:
        InputError: no graph can be made, or it differs from the network.
        StorageError: a file cannot be written.
    """
    folder, plan = task.folder, exported.plan
    write_json(folder / COUNTS, count(plan).to_dict())
    write_json(folder / ORIGIN, {**exported.origin, "trained_by": versions()})
    images = settings_from(task.inputs(), plan.backbone.name, task.images.classes)
    write_json(folder / IMAGES, images)
    if (exported.folder / UPSTREAM).is_file():
        raw = (exported.folder / UPSTREAM).read_bytes()
        write_whole(folder / UPSTREAM, lambda file: file.write(raw), need=len(raw))
    compared = None
    if onnx:
        from kwsearch.exporting.onnx_graph import write_onnx  # noqa: PLC0415 - loads torch

        network = replace(exported, weights=folder / WEIGHTS).network(trust_code=trust_code)
        compared = Compared(*write_onnx(network, task.data(), folder / ONNX))
    names = [path.name for path in folder.iterdir()]
    card = TrainedCard(plan, results, names, images, compared)
    (folder / CARD).write_text(card.text(), encoding="utf-8")
    write_checksums(folder, without=CHECKPOINTS)
    task.forget()


@dataclass(frozen=True, slots=True)
class TrainedCard:
    """What the card of a trained network is written from.

    Attributes:
        plan: of the network.
        results: content of ``results.json``.
        files: names of the other files in the folder.
        images: content of ``pretrained_cfg.json``.
        graph: how near the graph comes to the network, where there is one.
    """

    plan: Plan
    results: Mapping[str, Any]
    files: list[str]
    images: Mapping[str, Any]
    graph: Compared | None

    def text(self) -> str:
        """The page."""
        parts = (
            self._head(),
            f"# {self._name}, trained",
            f"{paragraphs.what(self.plan, self._data)} {self._reached()}",
            "## Classes",
            ", ".join(map(code, self.images["label_names"])),
            "## Counts",
            paragraphs.counts(self.plan),
            "## Using it",
            _USE,
            "## Loading",
            self._loading(),
            "## Training",
            _TRAIN,
            "## Checking",
            paragraphs.CHECK,
            "## Where it came from",
            self._provenance(),
            "## Files",
            paragraphs.files([name for name in self.files if name != CHECKSUMS]),
        )
        return "\n\n".join(parts) + "\n"

    @property
    def _name(self) -> str:
        study, trial = self.results.get("study"), self.results.get("trial")
        return f"{study}, trial {trial}" if study is not None else self.plan.backbone.name

    @property
    def _data(self) -> str:
        return str(self.results["data"])

    def _head(self) -> str:
        results = self.results
        label = f"accuracy after {plural(results['epochs'], 'epoch')} of full training"
        reached = paragraphs.Reached(float(results["accuracy"]), label, str(results["part"]))
        return paragraphs.head(self._name.replace(", trial ", "-"), self._data, reached)

    def _reached(self) -> str:
        results = self.results
        return (
            f"It classifies {_accuracy(results)} of {results['images']:,} "
            f"{PARTS.get(str(results['part']), 'images')} rightly, after a training of "
            f"{plural(results['epochs'], 'epoch')}."
        )

    def _loading(self) -> str:
        told = [
            paragraphs.loading(self.plan, weights=True),
            "The weights are those that the full training ended with.",
            paragraphs.normalisation(self.images),
        ]
        if self.graph is not None:
            told.append(paragraphs.graph(self.plan, self.graph, "the same weights", "the test set"))
        return "\n\n".join(told)

    def _provenance(self) -> str:
        results = self.results
        rows = [
            ("found as", code(self._name)),
            ("digest of the network", code(self.plan.digest)),
            ("images", code(self._data)),
            ("epochs", str(results["epochs"])),
            ("seed of its training", str(results["seed"])),
            (f"accuracy ({results['part']})", _accuracy(results)),
            *((f"{name} at training", code(number)) for name, number in versions().items()),
        ]
        start = results.get("start")
        if isinstance(start, Mapping) and "folder" in start:
            rows.insert(1, ("went on from", code(start["folder"])))
        return table(("", "of this network"), rows, left=2)


def _accuracy(results: Mapping[str, Any]) -> str:
    return (
        f"{results['accuracy']:.2%} (95 % interval {results['accuracy_low']:.2%} to "
        f"{results['accuracy_high']:.2%})"
    )
