"""A network as an ONNX graph that serves every batch size; torch is loaded with this file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from search_spaces import InputError
from search_spaces.networks.graphs import INPUT, OUTPUT, require_onnx, write_graph
from trials.tasks.classification.augment import normalise
from trials.tasks.classification.data.contract import Data

TOLERANCE = 1e-4
"""Most that a logit may differ from torch's, as a share of the largest logit."""

IMAGES = 64
"""How many real images the graph is compared on."""


def write_onnx(network: nn.Module, data: Data, path: Path) -> tuple[float, float]:
    """Write a network in evaluation mode, and compare the graph with it on real images.

    The input ``images`` is float32 ``[batch, C, H, W]``, normalised; the output ``logits`` is
    ``[batch, classes]``.

    Args:
        network: what to write; built to choose its ways by itself.
        data: whose images to measure on are compared, one by one and all at once.
        path: the file.

    Returns:
        The fields of `kwsearch.exporting.graph.Compared`.

    Raises:
        InputError: the libraries for it are not installed, the network cannot be written as a
            graph, or the graph differs by more than `TOLERANCE`.
    """
    runtime = require_onnx()
    images = _images(data)
    write_graph(network, torch.cat((images, images))[:2], path)  # a batch of one would fix its size
    with torch.no_grad():
        wanted: NDArray[np.float32] = network(images).numpy()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def logits(part: torch.Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([OUTPUT], {INPUT: part.numpy()})[0]
        return found

    apart = max(
        np.abs(logits(images) - wanted).max(), np.abs(logits(images[:1]) - wanted[:1]).max()
    )
    largest = np.abs(wanted).max()
    if not apart <= TOLERANCE * largest:
        raise InputError(
            f"The ONNX graph differs from the network by {apart:.2g} on real images, where the "
            f"largest logit is {largest:.2g}.",
            "Export without --onnx, and report the configuration.",
        )
    return float(apart), float(largest)


def _images(data: Data) -> torch.Tensor:
    """Images to measure on as the network gets them, float32 ``[B, C, H, W]``."""
    batches = [np.arange(min(IMAGES, len(data.evaluation)))]
    pixels, _ = next(iter(data.evaluation.batches(batches, 0)))
    mean, std = (torch.tensor(values) for values in (data.mean, data.std))
    return normalise(torch.as_tensor(pixels), mean, std)
