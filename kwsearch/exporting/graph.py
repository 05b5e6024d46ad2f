"""The door to onnx: it and torch are loaded when a graph is asked for."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from kwsearch.exporting.exported import load
from kwsearch.exporting.images import images_of
from kwsearch.exporting.layout import ONNX
from trials.records import StudyRecord


@dataclass(frozen=True, slots=True)
class Compared:
    """A graph and its network on real images.

    Attributes:
        apart: largest difference between their logits.
        largest: the network's largest logit, without its sign. Untrained networks of many layers
            have small ones, down to 0: then the comparison says little.
    """

    apart: float
    largest: float


def write_graph(folder: Path, study: StudyRecord) -> Compared:
    """Write the network of an export as a graph beside its other files, and compare the two.

    Raises:
        InputError: the libraries, the images or the network are not there, or the graph differs.
    """
    onnx_graph = importlib.import_module("kwsearch.exporting.onnx_graph")
    onnx_graph.require_onnx()
    with images_of(study) as (_, data):
        compared: Compared = onnx_graph.write_onnx(load(folder).network(), data, folder / ONNX)
    return compared
