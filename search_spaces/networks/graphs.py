"""A network as an ONNX graph; onnx and its runtime are loaded when they are asked for."""

import importlib
import logging
import warnings
from pathlib import Path
from types import ModuleType

import torch
from torch import nn
from torch.export import Dim

from search_spaces.distribution import install
from search_spaces.errors import InputError

INPUT, OUTPUT = "images", "logits"
"""Names of the graph's input and output."""

_NEEDED = ("onnxscript", "onnx", "onnxruntime")


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
            install("onnx"),
        ) from None
    return runtime


def write_graph(
    network: nn.Module, images: torch.Tensor, path: Path, cure: str = "Export without --onnx."
) -> None:
    """Write a network in evaluation mode as a graph that serves every batch size.

    Args:
        network: what to write; built to choose its ways by itself.
        images: two or more inputs, float32 ``[B, C, H, W]``; one alone would fix the batch.
        path: the file.
        cure: what to do where the network cannot be written.

    Raises:
        InputError: it cannot be written as a graph.
    """
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (images,),
                path,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: Dim("batch")},),
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        cause = f"The network cannot be written as an ONNX graph: {reason}"
        raise InputError(cause, cure) from error
