"""What each way costs for one training step of a layer, from sizes alone.

Counted is a forward and a backward pass: multiply-accumulates of the matrix products, values moved
between cache and memory, and library calls. `seconds` turns the three into one number with rates of
one CPU core or an accelerator; only their ratios matter, for they order the ways. Nothing is
measured, so that the same layer is computed in the same way on every machine and in every run.

Axes as in `search_spaces.networks.ways.lowering`.
"""

from dataclasses import dataclass
from math import prod

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import lower


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
        weights: values of one kernel, positions that only meet padding included.
        inputs: values of the input.
    """

    q: int
    h: int
    p: int
    j: int
    d: int
    n: int
    a: int
    weights: int
    inputs: int

    @classmethod
    def of(cls, geometry: Geometry, batch: int, size: tuple[int, ...], cells: int) -> "Sizes":
        """Sizes of a layer for a batch of inputs of ``size``."""
        low = lower(geometry, size)
        return cls(
            q=batch * geometry.groups,
            h=low.positions,
            p=max(low.group_blocks, 1),
            j=low.mixed,
            d=low.depth,
            n=cells,
            a=geometry.cell_out,
            weights=geometry.mixtures
            * geometry.cell_out
            * geometry.cell_in
            * prod(geometry.cell_kernel),
            inputs=batch * geometry.in_channels * prod(size),
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """Counts of one training step.

    Attributes:
        macs: multiply-accumulates in large matrix products.
        small: multiply-accumulates in many small products.
        moved: values written to and read from memory.
        calls: library calls.
    """

    macs: float
    small: float
    moved: float
    calls: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Seconds per count."""

    mac: float
    small: float
    moved: float
    call: float


CORE = Rates(mac=1 / 45e9, small=1 / 25e9, moved=1 / 2.5e9, call=3e-6)
"""One core with 512-bit registers, float32."""

ACCELERATOR = Rates(mac=1 / 100e12, small=1 / 25e12, moved=1 / 500e9, call=1e-5)


def textbook_cost(s: Sizes) -> Cost:
    """All kernels are formed and permuted, in memory; one convolution with many groups."""
    kernels = s.q * s.weights
    return Cost(3 * kernels * s.n, 3 * kernels * s.h, 10 * kernels + 6 * s.inputs, 20)


def assemble_cost(s: Sizes) -> Cost:
    """Live kernels are formed in slices; patches of the input."""
    kernels = s.q * s.p * s.j * s.d * s.a
    patches = s.q * s.h * s.j * s.d
    slices = s.p * max(1, kernels // s.p // 2**20)
    return Cost(3 * kernels * s.n, 3 * kernels * s.h, 4 * kernels + 5 * patches, 8 * slices + 40)


def mix_inputs_cost(s: Sizes) -> Cost:
    """Mixed input is formed in chunks of cells, once in each direction and once more."""
    mixed = s.q * s.h * s.p * s.n * s.d
    patches = s.q * s.h * s.j * s.d
    return Cost(3 * mixed * s.a, 4 * mixed * s.j, 2 * mixed + 5 * patches, 6 * s.n + 40)


def seconds(cost: Cost, rates: Rates) -> float:
    """Time of one training step, in seconds of the machine that ``rates`` describe."""
    return (
        cost.macs * rates.mac
        + cost.small * rates.small
        + cost.moved * rates.moved
        + cost.calls * rates.call
    )


COSTS = {
    "textbook": textbook_cost,
    "assemble": assemble_cost,
    "mix-inputs": mix_inputs_cost,
}
"""The cost of every way, by its name in `search_spaces.networks.ways.WAYS`."""
