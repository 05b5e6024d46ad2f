"""The model card: what the Hugging Face hub reads at its head, and a page for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kwsearch.exporting.contents import versions
from kwsearch.exporting.graph import Compared
from kwsearch.exporting.layout import (
    BACKBONE,
    CARD,
    CHECKSUMS,
    CONFIG,
    COUNTS,
    IMAGES,
    ONNX,
    ORIGIN,
    RECIPE,
    UPSTREAM,
    WEIGHTS,
)
from kwsearch.exporting.markdown import code, table
from kwsearch.output import escape
from search_spaces import count
from trials.records import KeptFile, StudyRecord, TrialRecord

HUB_DATASETS = {
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "svhn": "ufldl-stanford/svhn",
}
"""What the hub calls the data sets that have a name here."""

LICENSE = "unknown"
"""A network belongs to whoever searched for it; the hub's word for a licence that nobody chose."""

_FILES = {
    CONFIG: "the configuration",
    BACKBONE: "the table of layers that it is planned on",
    COUNTS: "parameters and MACs, per warehouse and site",
    ORIGIN: "study, trial and what was measured",
    UPSTREAM: "the authors' settings for the same network",
    IMAGES: "how images are made ready",
    RECIPE: "the recipe of full training",
    WEIGHTS: "the weights",
    ONNX: "the network as a graph for ONNX runtimes",
    CARD: "this page",
    CHECKSUMS: "SHA-256 of every other file; `sha256sum -c` reads it",
}

_TRAIN = """\
`kwsearch train` with the path of this folder trains the network from the beginning, by
`recipe.toml`, and measures it on the test images."""

_CHECK = """\
`kwsearch verify` with the path of this folder compares every file with its checksum, builds the
network, and counts it again."""

_LOAD = """\
```python
import kwsearch

network = kwsearch.load(".").network(ARGUMENTS)  # this folder
```

The same step by step:

```python
import json
from pathlib import Path

from search_spaces import Backbone, NetworkConfig
from search_spaces.networks import build

config = NetworkConfig.from_json(Path("config.json").read_bytes())
backbone = Backbone.from_dict(json.loads(Path("backbone.json").read_bytes()))
network = build(config, backbone)
"""

_LOAD_WEIGHTS = """\

from safetensors.torch import load_file

network.load_state_dict(load_file("model.safetensors"))
"""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card is written from.

    Attributes:
        study: the trial's study.
        record: the trial.
        front: the study's front.
        files: names of the other files in the folder.
        kept: the weights that the database names.
        no_upstream: why there are no settings of the authors, if there are none.
        images: content of ``pretrained_cfg.json``, if it is there.
        graph: how near the graph comes to the network, where there is one.
    """

    study: StudyRecord
    record: TrialRecord
    front: Sequence[TrialRecord]
    files: Sequence[str]
    kept: KeptFile | None
    no_upstream: str | None
    images: Mapping[str, Any] | None
    graph: Compared | None

    def text(self) -> str:
        """The page."""
        parts = (
            self._head(),
            f"# {self.study.name}, trial {self.record.number}",
            self._what(),
            "## The front it was chosen from",
            self._front(),
            "## Counts",
            self._counts(),
            "## Loading",
            self._loading(),
            "## Training",
            _TRAIN,
            "## Checking",
            _CHECK,
            "## Where it came from",
            self._provenance(),
            "## Files",
            table(
                ("file", "holds"), [(code(n), _FILES[n]) for n in _FILES if self._has(n)], left=2
            ),
        )
        return "\n\n".join(parts) + "\n"

    def _has(self, name: str) -> bool:
        return name in self.files or name in {CARD, CHECKSUMS}

    @property
    def _data(self) -> str:
        return str(self.study.spec.settings.get("proxy", {}).get("data", "images"))

    def _head(self) -> str:
        """YAML, every value written as JSON, which YAML reads too."""
        data = self._data
        head: dict[str, Any] = {
            "license": LICENSE,
            "library_name": "kwsearch",
            "pipeline_tag": "image-classification",
            "tags": ["image-classification", "kernel-warehouse", "dynamic-convolution"],
            "metrics": ["accuracy"],
        }
        if data in HUB_DATASETS:
            head["datasets"] = [HUB_DATASETS[data]]
        if self.record.accuracy is not None:
            result = {
                "task": {"type": "image-classification"},
                "dataset": {
                    "name": escape(data),
                    "type": HUB_DATASETS.get(data, "images" if "/" in data else data),
                    "split": "validation",
                },
                "metrics": [
                    {
                        "type": "accuracy",
                        "value": self.record.accuracy,
                        "name": f"accuracy after {self.record.epochs} epochs",
                    }
                ],
            }
            name = f"{self.study.name}-{self.record.number}"
            head["model-index"] = [{"name": name, "results": [result]}]
        lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items())
        return "\n".join(("---", *lines, "---"))

    def _what(self) -> str:
        table_ = self.study.spec.backbone
        size = count(self.record.trial.config, table_)
        share = size.params / size.backbone_params
        return (
            f"{code(table_.name)} with its kernels mixed from the cells of shared warehouses "
            "(KernelWarehouse, Li and Yao, [arXiv 2308.08361](https://arxiv.org/abs/2308.08361)): "
            f"{size.params:,} parameters, {share:.2g} times those of the plain network, for "
            f"{table_.num_classes} classes of {code(self._data)} images of "
            f"{table_.in_channels} x {table_.input_size[0]} x {table_.input_size[1]}. "
            f"{self._measured()}"
        )

    def _measured(self) -> str:
        record = self.record
        if record.accuracy is None:
            return "It has not been measured."
        return (
            f"It classifies {_accuracy(record)} of the validation images rightly after "
            f"{record.epochs} epochs: a short training that compares networks, not the accuracy "
            "that this one can reach."
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
            "accurate."
        )
        return table(("trial", "parameters", "MACs", "accuracy"), rows) + beside

    def _is(self, member: TrialRecord) -> bool:
        return member.number == self.record.number

    def _counts(self) -> str:
        size = count(self.record.trial.config, self.study.spec.backbone)
        totals = (
            ("in total", size.params, size.macs),
            ("cells", size.cell_params, size.mixing_macs),
            ("attention", size.attention_params, size.attention_macs),
            ("convolutions", None, size.conv_macs),
            ("plain layers", size.plain_params, size.plain_macs),
            ("the plain network", size.backbone_params, size.backbone_macs),
        )
        warehouses = [
            (
                code(w.name),
                f"{w.cells:,}",
                " x ".join(map(str, w.cell_shape)),
                f"{w.mixtures:,}",
                f"{w.params:,}",
            )
            for w in size.warehouses
        ]
        shown = [(n, "" if p is None else f"{p:,}", f"{m:,}") for n, p, m in totals]
        head = ("warehouse", "cells", "shape of a cell", "mixtures", "parameters")
        return f"{table(('', 'parameters', 'MACs'), shown)}\n\n{table(head, warehouses)}"

    def _loading(self) -> str:
        weights = self._has(WEIGHTS)
        own = ":" in self.study.spec.backbone.name
        asked = [*["trust_code=True"] * own, *["fresh=True"] * (not weights)]
        load = _LOAD.replace("ARGUMENTS", ", ".join(asked))
        told = [f"{load}{_LOAD_WEIGHTS if weights else ''}```"]
        told.append(
            "The weights are those of the trial's short training."
            if weights
            else f"{self._no_weights()}: the network starts as the trial's training did, from seed "
            f"{self.record.trial.seed}."
        )
        if self.images is not None:
            mean, std = (
                ", ".join(f"{value:.4f}" for value in self.images[key]) for key in ("mean", "std")
            )
            told.append(
                "Images are scaled to 0 to 1, then normalised by channel: mean "
                f"{mean}, standard deviation {std}."
            )
        if self.graph is not None:
            held = "the same weights" if weights else "the network before its training"
            told.append(
                f"`{ONNX}` takes `images`, float32 `[batch, {self.study.spec.backbone.in_channels}"
                f", height, width]` normalised likewise, and gives `logits`. It holds {held}. On "
                f"images of the study, where the largest logit is {self.graph.largest:.2g}, the "
                f"logits differ from torch's by at most {self.graph.apart:.1g}."
            )
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
            ("images", code(self._data)),
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
