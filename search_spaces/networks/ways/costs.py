"""What each way costs for one layer, in training and in inference, from sizes alone.

Counted are multiply-accumulates of the products of a forward pass, and values that are formed and
moved. `seconds` makes one number of them with rates that were fitted once, for training steps
and for inference apart; it orders the ways. Nothing is measured when a network runs, so that the
same layer is computed in the same way on every machine and in every run.

Axes as in `search_spaces.networks.ways.lowering`.
"""

from dataclasses import dataclass, replace
from math import ceil, inf, prod

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.each import SAMPLES
from search_spaces.networks.ways.lowering import lower
from search_spaces.networks.ways.mixing import Mixing


@dataclass(frozen=True, slots=True)
class Sizes:
    """A layer's sizes: those of the contraction, and of the plain layer.

    Attributes:
        batch: samples, B.
        q: samples x groups, Q.
        h: output positions, H.
        p: output blocks of a group.
        j: blocks of a patch that share a row of attention, J.
        d: values of a patch that meet one cell, D.
        n: cells, N.
        a: output channels of a cell.
        blocks: input blocks of a group.
        input_positions: input positions that mixing reads.
        pairs: pairs of output and input positions that mixing joins.
        weights: values of the kernel of one group, positions that only meet padding included.
        outer: values of the layer's input and output.
    """

    batch: int
    q: int
    h: int
    p: int
    j: int
    d: int
    n: int
    a: int
    blocks: int
    input_positions: int
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

    @property
    def crowded(self) -> int:
        """Values of the cells after the first `CROWD`."""
        return max(0, self.n - CROWD) * self.a * self.d

    @classmethod
    def of(cls, geometry: Geometry, batch: int, size: tuple[int, ...], cells: int) -> "Sizes":
        """Sizes of a layer for a batch of inputs of ``size``."""
        low = lower(geometry, size)
        mixing = Mixing(low)
        return cls(
            batch=batch,
            q=batch * geometry.groups,
            h=low.positions,
            p=max(low.group_blocks, 1),
            j=low.mixed,
            d=low.depth,
            n=cells,
            a=geometry.cell_out,
            blocks=geometry.blocks[2],
            input_positions=low.positions if mixing.alone else low.input_positions,
            pairs=mixing.pairs,
            weights=geometry.mixtures
            * geometry.cell_out
            * geometry.cell_in
            * prod(geometry.cell_kernel)
            // geometry.groups,
            outer=batch
            * (geometry.in_channels * prod(size) + geometry.out_channels * low.positions),
        )


CROWD = 64
"""Cells that a product reads at full speed."""


ROWS = 16
"""Rows that a tensor core multiplies at once, at least."""


RUN = 16
"""Values in a row that are copied about as fast as one: images of three colours are slow."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Counts of a forward pass.

    Attributes:
        mixing: multiply-accumulates of the products with attention.
        applying: multiply-accumulates of the other products.
        formed: values of kernels or of mixed input.
        patches: values of patches.
        outer: values of the layer's input and output.
        cells: values of the warehouse, in the shape that products want them.
        spread: values of attention laid out over pairs of positions.
        calls: convolutions of a library, where there is one a sample.
        crowded: values of the cells after the first `CROWD`, in every product that forms kernels:
            the same value of many cells, a power of two apart, has few places in a cache.
    """

    mixing: float
    applying: float
    formed: float
    patches: float
    outer: float
    cells: float
    spread: float = 0
    calls: float = 0
    crowded: float = 0

    @property
    def arithmetic(self) -> float:
        """All multiply-accumulates."""
        return self.mixing + self.applying


@dataclass(frozen=True, slots=True)
class Rates:
    """Counts a nanosecond, and seconds that a layer takes at least."""

    mixing: float
    applying: float
    formed: float
    patches: float
    outer: float
    cells: float
    spread: float
    start: float
    calls: float = inf
    crowded: float = inf

    def seconds(self, cost: Cost) -> float:
        """Time of a training step, or of a forward pass."""
        counts = (
            (cost.mixing, self.mixing),
            (cost.applying, self.applying),
            (cost.formed, self.formed),
            (cost.patches, self.patches),
            (cost.outer, self.outer),
            (cost.cells, self.cells),
            (cost.spread, self.spread),
            (cost.calls, self.calls),
            (cost.crowded, self.crowded),
        )
        return self.start + 1e-9 * sum(count / rate for count, rate in counts)


def textbook_cost(s: Sizes) -> Cost:
    """All kernels are formed and permuted, in memory; one convolution with many groups."""
    kernels = s.q * s.weights
    return Cost(kernels * s.n, kernels * s.h, kernels, 0, s.outer, s.cells, crowded=s.crowded)


def assemble_cost(s: Sizes) -> Cost:
    """Live kernels are formed in tiles; patches of the input."""
    kernels = s.q * s.p * s.j * s.d * s.a
    return Cost(kernels * s.n, kernels * s.h, kernels, s.patches, s.outer, s.cells)


def mix_inputs_cost(s: Sizes) -> Cost:
    """Mixed input is formed, and its gradient."""
    mixed = s.q * s.h * s.p * s.n * s.d
    spread = s.q * s.p * s.n * s.pairs * s.blocks
    return Cost(spread * s.d, mixed * s.a, mixed, 0, s.outer, s.cells, spread)


def mix_outputs_cost(s: Sizes) -> Cost:
    """Products of all input blocks with all cells are formed, and their gradient."""
    formed = s.q * s.input_positions * s.blocks * s.n * s.a
    spread = s.q * s.p * s.n * s.pairs * s.blocks
    return Cost(spread * s.a, formed * s.d, formed, 0, s.outer, s.cells, spread)


def assemble_implicit_cost(s: Sizes) -> Cost:
    """Live kernels are formed, all channels at once; tiles have `ROWS` positions at least."""
    kernels = s.q * s.p * s.j * s.d * s.a
    return Cost(kernels * s.n, kernels * _whole_tiles(s.h), kernels, 0, s.outer, s.cells)


def mix_inputs_implicit_cost(s: Sizes) -> Cost:
    """Mixed input is formed from patches, not over all pairs of positions, and so its gradient."""
    mixed = s.q * s.h * s.p * s.n * s.d
    return Cost(mixed * _whole_tiles(s.j), mixed * s.a, mixed, 0, s.outer, s.cells)


def _whole_tiles(size: int) -> int:
    return ceil(size / ROWS) * ROWS


def multiply_each_cost(s: Sizes) -> Cost:
    """Live kernels are formed in the layout that products want; patches of the input."""
    kernels = s.q * s.p * s.j * s.d * s.a
    tiles = ceil(s.batch / SAMPLES)
    patches = s.patches * max(1, RUN / s.d)
    return Cost(
        kernels * s.n, kernels * s.h, kernels, patches, s.outer, tiles * s.cells,
        crowded=tiles * s.crowded,
    )  # fmt: skip


def convolve_each_cost(s: Sizes) -> Cost:
    """All kernels are formed and permuted; one convolution a sample."""
    kernels = s.q * s.weights
    tiles = ceil(s.batch / SAMPLES)
    return Cost(
        kernels * s.n, kernels * s.h, kernels, 0, s.outer, tiles * s.cells,
        calls=s.batch, crowded=tiles * s.crowded,
    )  # fmt: skip


COSTS = {
    "textbook": textbook_cost,
    "assemble": assemble_cost,
    "mix-inputs": mix_inputs_cost,
    "mix-outputs": mix_outputs_cost,
    "multiply-each": multiply_each_cost,
    "convolve-each": convolve_each_cost,
    "assemble-implicit": assemble_implicit_cost,
    "mix-inputs-implicit": mix_inputs_implicit_cost,
}
"""The cost of every way, by its name in `search_spaces.networks.ways`."""

CORES = {
    "textbook": Rates(60, 110, 0.28, inf, 0.57, 2.4, inf, 0),
    "assemble": Rates(48, 110, 0.73, 0.46, 0.99, 0.31, inf, 6e-4),
    "mix-inputs": Rates(110, 72, 0.63, inf, 0.16, inf, 0.29, 4e-4),
    "mix-outputs": Rates(110, 72, 3.2, inf, 0.20, inf, 0.32, 4.4e-4),
    "convolve-each": Rates(60, 110, 0.28, inf, 0.57, 2.4, inf, 0),
}
"""Fitted to 208 layers of ResNet-18 (32, 64, 224 px), ResNet-20, ResNet-8 of full and of half the
width (8, 28 px) and MobileNetV2, b = 1/8 to 4, batches of 64, on two cores of an AMD EPYC, float32,
2026-11-24; inf where a count explained nothing; 110 is the machine's speed of large products, which
bounded the fit. The ways so chosen took 4% longer in all than the best ones, and 0.5% longer over
100 layers measured with one thread. ``convolve-each`` has the rates of the textbook way, whose
products it makes where a choice has it in training."""

ACCELERATOR = {
    "textbook": Rates(1e5, 1e5, 100, 500, 500, 500, inf, 2e-4),
    "assemble": Rates(1e5, 1e5, 150, 300, 500, 300, inf, 3e-4),
    "mix-inputs": Rates(3e4, 1e5, 300, 300, 500, 300, 300, 3e-4),
    "mix-outputs": Rates(3e4, 1e5, 300, 300, 500, 300, 300, 3e-4),
    "assemble-implicit": Rates(1e5, 1e5, 200, inf, 500, 500, inf, 2e-4),
    "mix-inputs-implicit": Rates(5e4, 1e5, 200, inf, 500, 300, inf, 2e-4),
}
"""Set from sizes of caches and units of accelerators, without a measurement. `rates` has those that
were measured."""


INFERENCE = {
    "textbook": Rates(32.9, 72.4, 0.855, inf, 0.927, 3.32, inf, 7.5e-6, crowded=141),
    "mix-inputs": Rates(26.5, 38.5, 9.13, inf, 1.06, 2.8, 0.452, 3.4e-4),
    "mix-outputs": Rates(25, 118, 1.62, inf, 0.695, 3.12, 2.7, 2.9e-4),
    "multiply-each": Rates(89.5, 71.9, 1.54, 5.67, 2.6, 2.1, inf, 1.4e-4, crowded=52.2),
    "convolve-each": Rates(95.4, 85.7, 0.953, inf, 1.53, 2.89, inf, 3.8e-5),
}
"""Of a forward pass without gradient, fitted by `benchmarks/fit_costs.py` to 190 layers: ResNet-18
and ResNet-50 (224 px, batches of 1 and 16), MobileNetV2 and ConvNeXt-Tiny (64 px, one image), b =
1/4 to 4, one core of an AMD EPYC with AVX-512 beside other work, CPU time, float32, 2026-11-27."""

BACKWARD = 3
"""Arithmetic of a training step, in units of its forward pass."""


def seconds(name: str, sizes: Sizes, rates: Rates, *, trains: bool) -> float:
    """Modelled time of a training step or forward pass; only its order among ways has meaning."""
    cost = COSTS[name](sizes)
    if trains:
        cost = replace(cost, mixing=BACKWARD * cost.mixing, applying=BACKWARD * cost.applying)
    return rates.seconds(cost)
