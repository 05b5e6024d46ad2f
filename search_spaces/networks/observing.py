"""Runs a network once and notes what every weighted layer of it sees and makes.

A copy is run, in evaluation mode and without gradients, on one blank image. On torch's meta device
the run allocates and computes nothing; a network that needs real numbers is run on the CPU.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.lazy import LazyModuleMixin
from torch.utils.flop_counter import FlopCounterMode

from search_spaces.errors import InfeasibleError, InputError, plural

Size = tuple[int, int]


@dataclass(slots=True)
class Seen:
    """What one layer did in one forward pass.

    Attributes:
        order: how many calls of weighted layers came before its first.
        calls: how often it was called.
        positions: output positions of the last call, without batch and channels.
        axes: number of position axes of its output.
        entered: input positions of the last call.
    """

    order: int
    calls: int = 0
    positions: int = 0
    axes: int = 0
    entered: int = 0


def weighted(module: nn.Module) -> bool:
    """Whether this is a convolution, transposed or not, or a linear layer."""
    return isinstance(module, _ConvNd | nn.Linear)


def observe(
    module: nn.Module, *, in_channels: int, input_size: Size, num_classes: int
) -> tuple[Mapping[str, Seen], int]:
    """Run ``module`` on one blank image of ``input_size``.

    Returns:
        What each weighted layer that was called did, by module path, and the multiply-accumulates
        of the whole network.

    Raises:
        InfeasibleError: a layer is lazy, so that its size is unknown.
        InputError: the network cannot be copied, does not take such images, or does not answer
            with one logit a class, in training as in evaluation.
    """
    refuse_lazy(module)
    try:
        found = _run(module, "meta", in_channels, input_size, num_classes)
    except InputError:
        raise
    except Exception:  # noqa: BLE001 - whatever stops a run without numbers may pass with them
        found = _run_for_real(module, in_channels, input_size, num_classes)
    _check_training(module, in_channels, input_size, num_classes)
    return found


def observe_large(
    module: nn.Module, *, in_channels: int, input_size: Size, num_classes: int, edge: int = 224
) -> Mapping[str, Seen] | None:
    """`observe` on a whole multiple of ``input_size`` of at least ``edge`` pixels.

    Returns:
        None where the network takes images of its own size only.
    """
    factor = -(-edge // min(input_size))
    size = (factor * input_size[0], factor * input_size[1])
    try:
        return _run(module, "meta", in_channels, size, num_classes)[0]
    except Exception:  # noqa: BLE001 - a network of fixed size may fail in any way
        return None


def refuse_lazy(module: nn.Module) -> None:
    """Check that every layer knows its size.

    Raises:
        InfeasibleError: naming the first that does not.
    """
    for path, layer in module.named_modules():
        if isinstance(layer, LazyModuleMixin) and layer.has_uninitialized_params():  # type: ignore[misc]  # a mixin of modules
            raise InfeasibleError(
                f"Layer {path!r} is lazy: it knows its size after a first forward pass only.",
                "Run the network once before returning it, or give the layer its sizes.",
            )


def _run_for_real(
    module: nn.Module, in_channels: int, input_size: Size, num_classes: int
) -> tuple[Mapping[str, Seen], int]:
    try:
        return _run(module, "cpu", in_channels, input_size, num_classes)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the network's own code may raise anything
        raise InputError(
            f"{type(module).__name__} does not take images of {plural(in_channels, 'channel')} and "
            f"{input_size[0]}x{input_size[1]} pixels: {type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no message'}.",
            "Let the function take in_channels, or set [proxy] channels to what the network takes "
            "(3 repeats grey images to colour), and image_size likewise.",
        ) from None


def _run(
    module: nn.Module, device: str, in_channels: int, size: Size, num_classes: int
) -> tuple[Mapping[str, Seen], int]:
    copy = _copied(module, device).eval()
    counter = FlopCounterMode(display=False)  # two operations a multiply-accumulate
    with torch.no_grad(), _noting(copy) as seen, counter:
        made = copy(_images(copy, device, 1, in_channels, size))
    _check_logits(module, made, (1, num_classes))
    return seen, int(counter.get_total_flops()) // 2


def _check_training(module: nn.Module, in_channels: int, size: Size, num_classes: int) -> None:
    """Refuse a network that answers otherwise in training, as with auxiliary classifiers."""
    try:
        copy = _copied(module, "meta").train()
        with torch.no_grad():
            made = copy(_images(copy, "meta", 2, in_channels, size))
    except Exception:  # noqa: BLE001 - a network that needs real numbers is judged by its training
        return
    _check_logits(module, made, (2, num_classes))


def _copied(module: nn.Module, device: str) -> nn.Module:
    try:
        return deepcopy(module).to(device)
    except RuntimeError as error:
        raise InputError(
            f"{type(module).__name__} cannot be copied: {str(error).splitlines()[0]}.",
            "Return a network whose parameters are leaves, without hook-based weight norm.",
        ) from None


def _images(module: nn.Module, device: str, batch: int, channels: int, size: Size) -> Tensor:
    kinds = (p.dtype for p in module.parameters() if p.is_floating_point())
    dtype = next(kinds, torch.float32)
    return torch.zeros(batch, channels, *size, device=device, dtype=dtype)


def _check_logits(module: nn.Module, made: object, wanted: tuple[int, int]) -> None:
    found = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
    if found != wanted:
        asked = plural(wanted[0], "image")
        raise InputError(
            f"{type(module).__name__} answers {asked} with {found}; a classifier of "
            f"{plural(wanted[1], 'class', 'classes')} answers with logits of shape {wanted}.",
            "Let the function take num_classes, and return a network that gives logits alone.",
        )


@contextmanager
def _noting(module: nn.Module) -> Iterator[dict[str, Seen]]:
    """Notes on every weighted layer inside, by module path."""
    seen: dict[str, Seen] = {}
    paths = {layer: path for path, layer in module.named_modules() if weighted(layer)}

    def note(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        entry = seen.setdefault(paths[layer], Seen(order=len(seen)))
        first = 1 if isinstance(layer, nn.Linear) else 2
        axes = made.shape[1:-1] if first == 1 else made.shape[2:]
        entry.calls += 1
        entry.positions, entry.axes = prod(axes), len(axes)
        entry.entered = prod(given[0].shape[1:-1] if first == 1 else given[0].shape[2:])

    handles = [layer.register_forward_hook(note) for layer in paths]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
