"""The model card of a trial: what the Hugging Face hub reads at its head, and a page for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kwsearch.exporting import paragraphs
from kwsearch.exporting.contents import is_detection, versions
from kwsearch.exporting.graph import Compared
from kwsearch.exporting.layout import UPSTREAM, WEIGHTS
from kwsearch.exporting.markdown import code, table
from reports.intervals import CONFIDENCE
from reports.repeated import Mean
from search_spaces import Plan, plan_network
from search_spaces.errors import plural
from trials.records import KeptFile, StudyRecord, TrialRecord
from trials.tasks.contract import measure_of, quality_of

_TRAIN = """\
`kwsearch train` with the path of this folder trains the network from the beginning, by
`recipe.toml`, and measures it on the test images."""

_DETECTION = """\
The network was trained as the backbone of a detector. Its weights are those of the backbone; its
classifier was not trained, and neck and heads are not part of this folder. `kwsearch train` with
the path of this folder and `--task detection --start` with it again trains a detector to the end.
What is called accuracy here is average precision."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card is written from.

    Attributes:
        study: the trial's study.
        record: the trial.
        front: the study's front, of means where trials were trained again.
        files: names of the other files in the folder.
        kept: the weights that the database names.
        no_upstream: why there are no settings of the authors, if there are none.
        images: content of ``pretrained_cfg.json``, if it is there.
        graph: how near the graph comes to the network, where there is one.
        pays: whether KernelWarehouse pays in the study, in a sentence.
        repeats: what trainings from further seeds did to the front, in a sentence.
        mean: of this trial's trainings, where it was trained again.
    """

    study: StudyRecord
    record: TrialRecord
    front: Sequence[TrialRecord]
    files: Sequence[str]
    kept: KeptFile | None
    no_upstream: str | None
    images: Mapping[str, Any] | None
    graph: Compared | None
    pays: str = ""
    repeats: str = ""
    mean: Mean | None = None

    def text(self) -> str:
        """The page."""
        parts = (
            self._head(),
            f"# {self.study.name}, trial {self.record.number}",
            self._what(),
            "## The front it was chosen from",
            self._front(),
            "## Counts",
            paragraphs.counts(self._plan),
            "## Loading",
            self._loading(),
            "## Training",
            self._training(),
            "## Checking",
            paragraphs.CHECK,
            "## Where it came from",
            self._provenance(),
            "## Files",
            paragraphs.files(self.files),
        )
        return "\n\n".join(parts) + "\n"

    @property
    def _plan(self) -> Plan:
        return plan_network(self.record.trial.config, self.study.spec.backbone)

    @property
    def _measure(self) -> str | None:
        """Name of the person's own measure, if there is one."""
        return measure_of(self.study.spec.settings)

    def _training(self) -> str:
        if is_detection(self.study.spec.settings):
            return _DETECTION
        if self._measure is None:
            return _TRAIN
        return (
            f"The network was trained and measured by {code(self._measure)}, which is not part of "
            "this folder. What is called accuracy here is the quality that it reports: "
            f"{code(self._quality)}."
        )

    @property
    def _quality(self) -> str:
        """What networks of the study are compared by."""
        return quality_of(self.study.spec.settings)

    @property
    def _data(self) -> str:
        if self._measure is not None:
            return self._measure
        if is_detection(self.study.spec.settings):
            return str(self.study.spec.settings["task"]["data"])
        return str(self.study.spec.settings.get("proxy", {}).get("data", "images"))

    def _head(self) -> str:
        record = self.record
        reached = None
        if record.accuracy is not None:
            name = f"{self._quality} after {plural(record.epochs, 'epoch')}"
            reached = paragraphs.Reached(record.accuracy, name, "validation", self._quality)
        return paragraphs.head(f"{self.study.name}-{record.number}", self._data, reached)

    def _what(self) -> str:
        return f"{paragraphs.what(self._plan, self._data)} {self._measured()}"

    def _measured(self) -> str:
        record = self.record
        if record.accuracy is None:
            return "It has not been measured."
        if self._measure is not None:
            return (
                f"It reaches a {code(self._quality)} of {_accuracy(record)} after "
                f"{plural(record.epochs, 'epoch')} of {code(self._measure)}."
            )
        if self._quality != "accuracy":
            return (
                f"It reaches a {code(self._quality)} of {_accuracy(record)} on the validation "
                f"images after {plural(record.epochs, 'epoch')}: a short training that compares "
                f"networks.{self._repeated()}"
            )
        return (
            f"It classifies {_accuracy(record)} of the validation images rightly after "
            f"{plural(record.epochs, 'epoch')}: a short training that compares networks, not the "
            f"accuracy that this one can reach.{self._repeated()}"
        )

    def _repeated(self) -> str:
        if self.mean is None:
            return ""
        value, low, high = self.mean.accuracy
        times = plural(len(self.mean.accuracies), "training")
        return (
            f" Over {times} from different seeds, of which this is the first, it is {value:.2%} in "
            f"the mean ({CONFIDENCE:.0%} interval {low:.2%} to {high:.2%})."
        )

    def _front(self) -> str:
        rows = [
            (
                f"**{member.number}** (this one)" if self._is(member) else f"{member.number}",
                f"{member.trial.params:,}",
                f"{member.trial.macs:,}",
                _accuracy(member),
            )
            for member in self.front
        ]
        beside = (
            ""
            if any(map(self._is, self.front))
            else f"\n\nTrial {self.record.number} is not on it: others are no larger and no less "
            f"accurate{' in the mean' if self.mean else ''}."
        )
        told = [f"\n\n{text}" for text in (self.repeats, self.pays) if text]
        return table(("trial", "parameters", "MACs", "accuracy"), rows) + beside + "".join(told)

    def _is(self, member: TrialRecord) -> bool:
        return member.number == self.record.number

    def _loading(self) -> str:
        weights = WEIGHTS in self.files
        told = [paragraphs.loading(self._plan, weights=weights)]
        told.append(
            f"The weights are those of the trial's {'first ' if self.mean else ''}short training."
            if weights
            else f"{self._no_weights()}: the network starts as the trial's training did, from seed "
            f"{self.record.trial.seed}."
        )
        if self.images is not None:
            told.append(paragraphs.normalisation(self.images))
        if self.graph is not None:
            held = "the same weights" if weights else "the network before its training"
            told.append(paragraphs.graph(self._plan, self.graph, held, "the study"))
        if self.no_upstream is not None:
            told.append(f"There is no `{UPSTREAM}`: {code(self.no_upstream)}")
        return "\n\n".join(told)

    def _no_weights(self) -> str:
        if self.kept is None:
            return "No weights are kept of this trial"
        return f"The weights of this trial, {code(self.kept.path)}, were not at hand"

    def _provenance(self) -> str:
        record, study = self.record, self.study
        rows = [
            ("study", code(study.name)),
            ("trial", f"{record.number} of {study.finished}"),
            ("seed of its training", str(record.trial.seed)),
            ("digest of the network", code(record.trial.digest)),
            ("images" if self._measure is None else "measure", code(self._data)),
            *([("images read", code(read))] if (read := study.spec.settings.get("read")) else []),
            ("epochs", str(record.epochs)),
            ("accuracy", _accuracy(record)),
            ("searched by", code(f"kwsearch {study.version}")),
            *((f"{name} at export", code(number)) for name, number in versions().items()),
        ]
        return table(("", "of this network"), rows, left=2)


def _accuracy(record: TrialRecord) -> str:
    if record.accuracy is None or record.accuracy_error is None:
        return "unknown"
    return f"{record.accuracy:.2%} ± {record.accuracy_error:.2%}"
