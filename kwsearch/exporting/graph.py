"""The door to onnx: it and torch are loaded when a graph is asked for."""

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


def write_graph(folder: Path, study: StudyRecord, *, trust_code: bool = False) -> Compared:
    """Write the network of an export as a graph beside its other files, and compare the two.

    Args:
        folder: of the export; without weights the graph is that of the untrained network.
        study: whose images are compared on.
        trust_code: as for `kwsearch.exporting.exported.Exported.network`.

    Raises:
        InputError: the libraries, the images or the network are not there, or the graph differs.
    """
    from kwsearch.exporting.onnx_graph import write_onnx  # noqa: PLC0415 - loads torch
    from search_spaces.networks.graphs import require_onnx  # noqa: PLC0415 - likewise

    require_onnx()
    with images_of(study) as (_, data):
        network = load(folder).network(trust_code=trust_code, fresh=True)
        return Compared(*write_onnx(network, data, folder / ONNX))
