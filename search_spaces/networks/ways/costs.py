"""What each way costs for one training step of a layer, from sizes alone.

Counted is a forward and a backward pass: multiply-accumulates of the matrix products, and values
that are formed and moved. `seconds` turns them into one number with rates that were fitted once; it
orders the ways. Nothing is measured when a network runs, so that the same layer is computed in the
same way on every machine and in every run.

Axes as in `search_spaces.networks.ways.lowering`.
"""

from dataclasses import dataclass
from math import inf, prod

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import lower
from search_spaces.networks.ways.mixing import Mixing


@dataclass(frozen=True, slots=True)
class Sizes:
    """A layer's sizes: those of the contraction, and of the plain layer.

    Attributes:
        q: samples x groups, Q.
        h: output positions, H.
        p: output blocks of a group.
        j: blocks of a patch that share a row of attention, J.
        d: values of a patch that meet one cell, D.
        n: cells, N.
        a: output channels of a cell.
        blocks: input blocks of a group.
        places: input positions that mixing reads.
        pairs: pairs of output and input positions that mixing joins.
        weights: values of the kernel of one group, positions that only meet padding included.
        outer: values of the layer's input and output.
    """

    q: int
    h: int
    p: int
    j: int
    d: int
    n: int
    a: int
    blocks: int
    places: int
    pairs: int
    weights: int
    outer: int

    @property
    def patches(self) -> int:
        """Values of all patches."""
        return self.q * self.h * self.j * self.d

    @property
    def cells(self) -> int:
        """Values of the warehouse."""
        return self.n * self.a * self.d

    @classmethod
    def of(cls, geometry: Geometry, batch: int, size: tuple[int, ...], cells: int) -> "Sizes":
        """Sizes of a layer for a batch of inputs of ``size``."""
        low = lower(geometry, size)
        mixing = Mixing(low)
        return cls(
            q=batch * geometry.groups,
            h=low.positions,
            p=max(low.group_blocks, 1),
            j=low.mixed,
            d=low.depth,
            n=cells,
            a=geometry.cell_out,
            blocks=geometry.blocks[2],
            places=low.positions if mixing.alone else low.places,
            pairs=mixing.pairs,
            weights=geometry.mixtures
            * geometry.cell_out
            * geometry.cell_in
            * prod(geometry.cell_kernel)
            // geometry.groups,
            outer=batch
            * (geometry.in_channels * prod(size) + geometry.out_channels * low.positions),
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """Counts of one training step.

    Attributes:
        mixing: multiply-accumulates of the products with attention.
        applying: multiply-accumulates of the other products.
        formed: values of kernels or of mixed input.
        patches: values of patches.
        outer: values of the layer's input and output.
        cells: values of the warehouse, in the shape that products want them.
        spread: values of attention laid out over pairs of positions.
    """

    mixing: float
    applying: float
    formed: float
    patches: float
    outer: float
    cells: float
    spread: float = 0

    @property
    def arithmetic(self) -> float:
        """All multiply-accumulates."""
        return self.mixing + self.applying


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts a nanosecond, and seconds that a step takes at least."""

    mixing: float
    applying: float
    formed: float
    patches: float
    outer: float
    cells: float
    spread: float
    start: float

    def seconds(self, cost: Cost) -> float:
        """Time of one training step."""
        counts = (
            (cost.mixing, self.mixing),
            (cost.applying, self.applying),
            (cost.formed, self.formed),
            (cost.patches, self.patches),
            (cost.outer, self.outer),
            (cost.cells, self.cells),
            (cost.spread, self.spread),
        )
        return self.start + 1e-9 * sum(count / rate for count, rate in counts)


def textbook_cost(s: Sizes) -> Cost:
    """All kernels are formed and permuted, in memory; one convolution with many groups."""
    kernels = s.q * s.weights
    return Cost(3 * kernels * s.n, 3 * kernels * s.h, kernels, 0, s.outer, s.cells)


def assemble_cost(s: Sizes) -> Cost:
    """Live kernels are formed in tiles; patches of the input."""
    kernels = s.q * s.p * s.j * s.d * s.a
    return Cost(3 * kernels * s.n, 3 * kernels * s.h, kernels, s.patches, s.outer, s.cells)


def mix_inputs_cost(s: Sizes) -> Cost:
    """Mixed input is formed, and its gradient."""
    mixed = s.q * s.h * s.p * s.n * s.d
    spread = s.q * s.p * s.n * s.pairs * s.blocks
    return Cost(3 * spread * s.d, 3 * mixed * s.a, mixed, 0, s.outer, s.cells, spread)


def mix_outputs_cost(s: Sizes) -> Cost:
    """Products of all input blocks with all cells are formed, and their gradient."""
    formed = s.q * s.places * s.blocks * s.n * s.a
    spread = s.q * s.p * s.n * s.pairs * s.blocks
    return Cost(3 * spread * s.a, 3 * formed * s.d, formed, 0, s.outer, s.cells, spread)


COSTS = {
    "textbook": textbook_cost,
    "assemble": assemble_cost,
    "mix-inputs": mix_inputs_cost,
    "mix-outputs": mix_outputs_cost,
}
"""The cost of every way, by its name in `search_spaces.networks.ways.WAYS`."""

CORES = {
    "textbook": Rates(60, 110, 0.28, inf, 0.57, 2.4, inf, 0),
    "assemble": Rates(48, 110, 0.73, 0.46, 0.99, 0.31, inf, 6e-4),
    "mix-inputs": Rates(110, 72, 0.63, inf, 0.16, inf, 0.29, 4e-4),
    "mix-outputs": Rates(110, 72, 3.2, inf, 0.20, inf, 0.32, 4.4e-4),
}
"""Fitted to 208 layers of ResNet-18 (32, 64, 224 px), ResNet-20, ResNet-8 of full and of half the
width (8, 28 px) and MobileNetV2, b = 1/8 to 4, batches of 64, on two cores of an AMD EPYC, float32,
2026-11-24; inf where a count explained nothing; 110 is the machine's speed of large products, which
bounded the fit. The ways so chosen took 4% longer in all than the best ones, and 0.5% longer over
100 layers measured with one thread."""

ACCELERATOR = {
    "textbook": Rates(1e5, 1e5, 100, 500, 500, 500, inf, 2e-4),
    "assemble": Rates(1e5, 1e5, 150, 300, 500, 300, inf, 3e-4),
    "mix-inputs": Rates(3e4, 1e5, 300, 300, 500, 300, 300, 3e-4),
    "mix-outputs": Rates(3e4, 1e5, 300, 300, 500, 300, 300, 3e-4),
}
"""Set from sizes of caches and units of accelerators, without a measurement."""


def seconds(name: str, sizes: Sizes, device: str) -> float:
    """Modelled time of one training step in a way; only its order among ways means anything."""
    rates = CORES if device == "cpu" else ACCELERATOR
    return rates[name].seconds(COSTS[name](sizes))
