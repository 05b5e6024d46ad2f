"""A network as an ONNX graph that serves every batch size; torch is loaded with this file."""

import importlib
import logging
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.export import Dim

from search_spaces import InputError
from trials.training.augment import normalise
from trials.training.data import TrainingData

TOLERANCE = 1e-4
"""Most that a logit may differ from torch's, as a share of the largest logit."""

IMAGES = 64
"""How many real images the graph is compared on."""

_INPUT, _OUTPUT = "images", "logits"
_NEEDED = ("onnxscript", "onnx", "onnxruntime")


def write_onnx(network: nn.Module, data: TrainingData, path: Path) -> tuple[float, float]:
    """Write a network in evaluation mode, and compare the graph with it on real images.

    The input ``images`` is float32 ``[batch, C, H, W]``, normalised; the output ``logits`` is
    ``[batch, classes]``.

    Args:
        network: what to write; built to choose its ways by itself.
        data: whose validation images are compared, one by one and all at once.
        path: the file.

    Returns:
        The fields of `kwsearch.exporting.graph.Compared`.

    Raises:
        InputError: the libraries for it are not installed, the network cannot be written as a
            graph, or the graph differs by more than `TOLERANCE`.
    """
    runtime = require_onnx()
    images = _images(data)
    _write(network, torch.cat((images, images))[:2], path)  # a batch of one would fix its size
    with torch.no_grad():
        wanted: NDArray[np.float32] = network(images).numpy()
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def logits(part: torch.Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([_OUTPUT], {_INPUT: part.numpy()})[0]
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


def require_onnx() -> ModuleType:
    """onnxruntime, where everything that graphs need is installed.

    Raises:
        InputError: it is not.
    """
    try:
        *_, runtime = map(importlib.import_module, _NEEDED)
    except ImportError as error:
        raise InputError(
            f"Writing ONNX needs {', '.join(_NEEDED)}; {error.name} is not installed.",
            "Install it: pip install 'kwsearch[onnx]'.",
        ) from None
    return runtime


def _images(data: TrainingData) -> torch.Tensor:
    """Validation images as the network gets them, float32 ``[B, C, H, W]``."""
    pixels, _ = data.evaluation.batch(np.arange(min(IMAGES, len(data.evaluation))))
    mean, std = (torch.tensor(values) for values in (data.mean, data.std))
    return normalise(torch.from_numpy(pixels), mean, std)


def _write(network: nn.Module, images: torch.Tensor, path: Path) -> None:
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (images,),
                path,
                input_names=[_INPUT],
                output_names=[_OUTPUT],
                dynamic_shapes=({0: Dim("batch")},),
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"The network cannot be written as an ONNX graph: {reason}", "Export without --onnx."
        ) from error
