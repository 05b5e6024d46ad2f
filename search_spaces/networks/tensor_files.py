"""Named tensors from a file, without running anything that the file brings along."""

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from search_spaces.errors import InputError

_WRAPPERS = ("state_dict", "model", "model_state_dict")
"""Entries under which training scripts put the tensors, beside optimiser and settings."""


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file or of a weights-only torch file, onto the CPU.

    A torch file may hold the tensors themselves or a checkpoint with the tensors under ``model`` or
    ``state_dict``; the ``module.`` that distributed training puts before each name is taken away.

    Raises:
        InputError: the file is missing, damaged, would run code, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}.", "Check the path.")
    content = _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    tensors = _unwrapped(content)
    if not tensors:
        raise InputError(f"{path.name!r} holds no named tensors.", "Give a file of weights.")
    shared = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {name.removeprefix(shared): tensor for name, tensor in tensors.items()}


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path.name!r} is not a whole safetensors file: {_first_line(error)}.",
            "Fetch it again.",
        ) from None


def _torch_file(path: Path) -> Any:  # noqa: ANN401 - a torch file may hold anything
    try:
        # the authors' training script stores its arguments, a Namespace of plain values
        with torch.serialization.safe_globals([Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{path.name!r} is not a weights-only torch file: {_first_line(error)}.",
            "Save the state dict alone, or convert it to safetensors where you trust it.",
        ) from None


def _unwrapped(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    inner = next((content[w] for w in _WRAPPERS if isinstance(content.get(w), Mapping)), content)
    return {str(k): v for k, v in inner.items() if isinstance(v, Tensor)}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(". ")
