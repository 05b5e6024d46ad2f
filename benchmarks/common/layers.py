"""The served layers of a network, each alone: sizes, floors, the chosen way, tensors to time it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from search_spaces.networks.chooser import Situation, able, modelled
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.networks.ways.costs import COSTS, Sizes


@dataclass(frozen=True)
class Layer:
    """A served layer at the input that a batch of images gives it."""

    name: str
    geometry: Geometry
    size: tuple[int, ...]
    cells: int
    batch: int
    tokens: bool

    @property
    def sizes(self) -> Sizes:
        """Sizes of the contraction."""
        return Sizes.of(self.geometry, self.batch, self.size, self.cells)

    @property
    def able(self) -> list[str]:
        """Ways that compute it."""
        return able(self.geometry)

    @property
    def macs(self) -> float:
        """MACs of a forward pass in the cheapest way."""
        return min(COSTS[name](self.sizes).arithmetic for name in self.able)

    @property
    def values(self) -> float:
        """Values of cells, input and output."""
        return self.sizes.cells + self.sizes.outer

    def situation(self, *, trains: bool, dtype: torch.dtype = torch.float32) -> Situation:
        """What its choice depends on, on a CPU, with torch's threads of now."""
        return Situation(
            geometry=self.geometry,
            batch=self.batch,
            size=self.size,
            cells=self.cells,
            dtype=dtype,
            device="cpu",
            threads=torch.get_num_threads(),
            trains=trains,
        )

    def way(self, *, trains: bool, dtype: torch.dtype = torch.float32) -> str:
        """The way that the cost model gives it, with torch's threads of now."""
        return modelled(self.situation(trains=trains, dtype=dtype))

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Input, attention and cells, without values that mean anything."""
        g, batch = self.geometry, self.batch
        if self.tokens:
            x = torch.randn(batch, *self.size, g.in_channels).transpose(1, 2)
        else:
            x = torch.randn(batch, g.in_channels, *self.size)
            x = x.contiguous(memory_format=torch.channels_last) if len(self.size) == 2 else x
        alpha = torch.randn(batch, g.mixtures, self.cells)
        return x, alpha, torch.randn(self.cells, g.cell_out, g.cell_in, *g.cell_kernel)


def served_layers(network: nn.Module, batch: int, pixels: int) -> list[Layer]:
    """Every served layer, in the order of the forward pass; images have three channels."""
    seen: list[Layer] = []

    def note(name: str, layer: KWConv | KWLinear, inputs: tuple[Tensor, ...]) -> None:
        tokens = isinstance(layer, KWLinear)
        size = (inputs[0][0, ..., 0].numel(),) if tokens else tuple(inputs[0].shape[2:])
        seen.append(Layer(name, layer.geometry, size, len(layer.warehouse.cells), batch, tokens))

    hooks = [
        layer.register_forward_pre_hook(partial(note, name))
        for name, layer in network.named_modules()
        if isinstance(layer, KWConv | KWLinear)
    ]
    with torch.no_grad():
        network(torch.randn(2, 3, pixels, pixels))
    for hook in hooks:
        hook.remove()
    return seen


def fastest(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Seconds of the fastest of several runs."""
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best


def status_bytes(field: str) -> float:
    """Bytes that a field of the process's status says, such as VmRSS."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith(field)).split()[1])
