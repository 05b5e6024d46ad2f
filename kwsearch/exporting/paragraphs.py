"""What model cards have in common: a head for the Hugging Face hub, counts, loading, files."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

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
    RESULTS,
    UPSTREAM,
    WEIGHTS,
)
from kwsearch.exporting.markdown import code, table
from kwsearch.output import escape
from search_spaces import Plan, count
from search_spaces.errors import plural
from trials.tasks.classification.catalogue import NAMED

LICENSE = "unknown"
"""A network belongs to whoever searched for it; the hub's word for a licence that nobody chose."""

_FILES = {
    CONFIG: "the configuration",
    BACKBONE: "the table of layers that it is planned on",
    COUNTS: "parameters and MACs, per warehouse and site",
    ORIGIN: "study, trial and what its search measured",
    RESULTS: "what the training reached, by epoch",
    UPSTREAM: "the authors' settings for the same network",
    IMAGES: "how images are made ready",
    RECIPE: "the recipe of full training",
    WEIGHTS: "the weights",
    ONNX: "the network as a graph for ONNX runtimes",
    CARD: "this page",
    CHECKSUMS: "SHA-256 of every other file; `sha256sum -c` reads it",
}

CHECK = """\
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
class Reached:
    """An accuracy for the hub.

    Attributes:
        accuracy: what was measured on the images.
        name: what it is called, with the length of the training.
        split: the hub's word for the images.
        metric: the hub's word for what was measured.
    """

    accuracy: float
    name: str
    split: str
    metric: str = "accuracy"


def head(name: str, data: str, reached: Reached | None) -> str:
    """The YAML that the hub reads, every value written as JSON, which YAML reads too.

    Args:
        name: of the model.
        data: name or folder of the images.
        reached: what was measured.
    """
    lines: dict[str, Any] = {
        "license": LICENSE,
        "library_name": "kwsearch",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "kernel-warehouse", "dynamic-convolution"],
        "metrics": ["accuracy"],
    }
    hub = NAMED[data].hub if data in NAMED else None
    if hub is not None:
        lines["datasets"] = [hub]
    if reached is not None:
        result = {
            "task": {"type": "image-classification"},
            "dataset": {
                "name": escape(data),
                "type": hub or ("images" if "/" in data else data),
                "split": reached.split,
            },
            "metrics": [{"type": reached.metric, "value": reached.accuracy, "name": reached.name}],
        }
        lines["model-index"] = [{"name": name, "results": [result]}]
    text = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in lines.items())
    return "\n".join(("---", *text, "---"))


def what(plan: Plan, data: str) -> str:
    """A sentence on the network: how large it is, and for which images."""
    table_, size = plan.backbone, count(plan)
    share = size.params / size.backbone_params
    return (
        f"{code(table_.name)} with its kernels mixed from the cells of shared warehouses "
        "(KernelWarehouse, Li and Yao, [arXiv 2308.08361](https://arxiv.org/abs/2308.08361)): "
        f"{size.params:,} parameters, {share:.2g} times those of the plain network, for "
        f"{plural(table_.num_classes, 'class', 'classes')} in images of {code(data)}, "
        f"{table_.in_channels} x {table_.input_size[0]} x {table_.input_size[1]}."
    )


def counts(plan: Plan) -> str:
    """Parameters and MACs by kind of layer, and the warehouses."""
    size = count(plan)
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


def loading(plan: Plan, *, weights: bool) -> str:
    """Code that loads the network, through kwsearch and step by step."""
    asked = [*["trust_code=True"] * (":" in plan.backbone.name), *["fresh=True"] * (not weights)]
    load = _LOAD.replace("ARGUMENTS", ", ".join(asked))
    return f"{load}{_LOAD_WEIGHTS if weights else ''}```"


def normalisation(images: Mapping[str, Any]) -> str:
    """How images are made ready, from the content of ``pretrained_cfg.json``."""
    mean, std = (", ".join(f"{value:.4f}" for value in images[key]) for key in ("mean", "std"))
    return (
        f"Images are scaled to 0 to 1, then normalised by channel: mean {mean}, standard deviation "
        f"{std}."
    )


def graph(plan: Plan, compared: Compared, held: str, images: str) -> str:
    """What the graph takes, gives and holds, and how near it comes to the network.

    Args:
        plan: of the network.
        compared: the comparison.
        held: which weights the graph holds.
        images: whose images it was compared on.
    """
    return (
        f"`{ONNX}` takes `images`, float32 `[batch, {plan.backbone.in_channels}"
        f", height, width]` normalised likewise, and gives `logits`. It holds {held}. On "
        f"images of {images}, where the largest logit is {compared.largest:.2g}, the "
        f"logits differ from torch's by at most {compared.apart:.1g}."
    )


def files(names: Collection[str]) -> str:
    """A table of the files; the card and the checksums are written last and always there."""
    there = {*names, CARD, CHECKSUMS}
    rows = [(code(name), held) for name, held in _FILES.items() if name in there]
    return table(("file", "holds"), rows, left=2)
