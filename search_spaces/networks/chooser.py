"""Which way a layer is computed in.

``"auto"`` asks the cost model alone: the choice follows from sizes, so that a training from one
seed gives the same curve bit for bit every time, which a choice by stopwatch could not promise
(ways round differently). ``"measured"`` times the best few of the model at first use, on the real
device, type and thread count. Both answers are kept for the process; `choices` writes them down and
`preset_choices` gives them back, so that a later run chooses alike without measuring.

Inside torch.compile the operator stays outside the compiled parts, so that choosing goes on as
usual and nothing is timed while tracing. Networks that are exported do not come here, see
`search_spaces.networks.operator`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, prod
from threading import Lock

import torch
from torch import Tensor

from search_spaces.errors import InputError
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import IMPLICIT, WAYS, way_of
from search_spaces.networks.ways.contraction import product_type
from search_spaces.networks.ways.costs import Sizes, seconds
from search_spaces.networks.ways.each import pointwise
from search_spaces.networks.ways.launching import refusal
from search_spaces.networks.ways.lowering import lowers
from search_spaces.networks.ways.matmul import in_pieces
from search_spaces.networks.ways.rates import rates_for
from search_spaces.networks.ways.tracing import eager

CANDIDATES = 3
"""How many ways are timed."""

WITHIN = 4.0
"""A way that the model thinks this many times slower than its best is not timed."""

MARGIN = 0.95
"""Without gradient the textbook way stays unless another is thought this much faster: the model's
errors are of that size, and it must not be slower than the definition."""

LEAST = 8e-5
"""Seconds that it must be thought faster by too, on a CPU: of small layers, where calls count for
more than what the model counts, 14 of 60 were slower without it, 2 with it
(`benchmarks/fit_costs.md`)."""

DENSE_MARGIN = 0.7
"""`MARGIN` in training, of layers of one kernel position: assembling some output channels at a time
was up to 2.3 times as slow as modelled (`benchmarks/fit_costs.md`)."""

POSITIONS = 49
"""Output positions from which on one product a sample is worth it in training."""

PLANE = 2
"""Axes of an image."""

REPEATS = 3
"""How often each is timed; the fastest counts."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a choice may depend on.

    Attributes:
        geometry: sizes of the layer.
        batch: samples.
        size: input positions along each axis.
        cells: cells of the warehouse.
        dtype: type that products are computed in.
        device: kind of device.
        threads: CPU threads.
        trains: whether a gradient is wanted.
        card: name of the accelerator.
        kernels: whether it runs Triton kernels.
    """

    geometry: Geometry
    batch: int
    size: tuple[int, ...]
    cells: int
    dtype: torch.dtype
    device: str
    threads: int
    trains: bool
    card: str = ""
    kernels: bool = False

    @property
    def key(self) -> str:
        """One line of text that tells situations apart."""
        g = self.geometry
        sizes = (
            g.in_channels, g.out_channels, g.groups, g.kernel, g.stride, g.padding, g.dilation,
            g.blocks, g.cell_kernel, self.batch, self.size, self.cells,
        )  # fmt: skip
        text = "/".join(str(part).replace(" ", "") for part in sizes)
        mode = "train" if self.trains else "infer"
        kind = str(self.dtype).removeprefix("torch.")
        device = f"{self.device} {self.threads}"
        if self.card:
            device = f"{self.device} {self.card} {'with' if self.kernels else 'without'} Triton"
        return f"{text} {kind} {device} {mode}"

    @property
    def candidates(self) -> list[str]:
        """Names of the ways that a choice is made of.

        On a CPU, layers of one kernel position, and without gradient depthwise ones in a plane,
        have the textbook way or ``convolve-each``, not both: they are the same products. Of several
        images channels last the textbook way makes copies; of one it makes none, and is started
        sooner, but it copies tokens, and takes longer to form a kernel of many cells. With a
        gradient ``convolve-each`` is not for others: it keeps whole kernels, as the textbook way
        does.
        """
        names = able(self.geometry, kernels=self.kernels)
        if self.device == "cpu" and "convolve-each" in names:
            if pointwise(self.geometry) or (not self.trains and _depthwise(self.geometry)):
                names.remove("textbook" if self._copied else "convolve-each")
            elif self.trains:
                names.remove("convolve-each")
        return names

    @property
    def usual(self) -> str:
        """The way that stays unless another is thought faster by a margin, on a CPU."""
        return "textbook" if "textbook" in self.candidates else "convolve-each"

    def chosen(self, thought: Mapping[str, float]) -> str:
        """The way to take, by modelled seconds of candidates."""
        best, usual = min(thought, key=lambda name: thought[name]), self.usual
        if self.trains and usual == "textbook":
            return best
        margin = DENSE_MARGIN if self.trains else MARGIN
        least = LEAST if self.device == "cpu" and not self.trains else 0.0
        stays = thought[best] + least > margin * thought.get(usual, inf)
        return usual if stays else best

    @property
    def _copied(self) -> bool:
        """Whether the textbook way copies what ``convolve-each`` does not, or forms it slower."""
        geometry = self.geometry
        if self.trains:
            ends = zip(self.size, geometry.stride, strict=True)
            return self.batch > 1 and prod(ceil(n / step) for n, step in ends) >= POSITIONS
        width = geometry.cell_out * geometry.cell_in * prod(geometry.cell_kernel)
        formed_slower = in_pieces(geometry.mixtures, self.cells, width)
        return self.batch > 1 or geometry.dims == 1 or formed_slower


def _depthwise(geometry: Geometry) -> bool:
    return geometry.dims == PLANE and geometry.groups == geometry.in_channels


_kept: dict[str, str] = {}
_lock = Lock()


def choices() -> dict[str, str]:
    """Every choice measured or given in this process: situation -> name of the way."""
    return dict(_kept)


def preset_choices(given: Mapping[str, str]) -> None:
    """Take over choices that `choices` wrote down; both choosers follow them from now on.

    Raises:
        InputError: a way of that name does not exist.
    """
    for name in given.values():
        if name not in WAYS and name not in IMPLICIT:
            raise InputError(
                f"{name!r} is not a way of computing the operator: "
                f"{', '.join((*WAYS, *IMPLICIT))}.",
                "Write choices down again with this version.",
            )
    with _lock:
        _kept.update(given)


def forget_choices() -> None:
    """Drop every choice measured or given."""
    with _lock:
        _kept.clear()


def situation(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Situation:
    """The situation of a call; see `search_spaces.networks.ways` for shapes."""
    kind, dtype = x.device.type, product_type(x)
    return Situation(
        geometry=geometry,
        batch=x.shape[0],
        size=tuple(x.shape[2:]),
        cells=cells.shape[0],
        dtype=dtype,
        device=kind,
        threads=torch.get_num_threads() if kind == "cpu" else 1,
        trains=torch.is_grad_enabled() and any(t.requires_grad for t in (x, alpha, cells)),
        card=_card(x.device) if kind == "cuda" else "",
        kernels=kind != "cpu" and not refusal(x.device, dtype),
    )


@lru_cache
def _card(device: torch.device) -> str:
    return torch.cuda.get_device_name(device)


@lru_cache(maxsize=4096)
def modelled(where: Situation) -> str:
    """Name of the way that the cost model thinks fastest; in float64 always the reference way.

    Double precision is for comparing: sums are then taken in the order of the reference.
    """
    if where.dtype == torch.float64:
        return "textbook"
    return where.chosen(dict(ranked(where)))


def ranked(where: Situation) -> list[tuple[str, float]]:
    """Ways that compute this geometry and their modelled seconds, fastest first.

    A way without rates on this device is left out; the textbook way stays if no other is left.
    """
    sizes = Sizes.of(where.geometry, where.batch, where.size, where.cells)
    rates = rates_for(where.device, where.card, trains=where.trains)
    modelled_seconds = {
        name: seconds(name, sizes, rates[name], trains=where.trains)
        for name in where.candidates
        if name in rates
    }
    return sorted(modelled_seconds.items(), key=lambda row: row[1]) or [("textbook", inf)]


def able(geometry: Geometry, *, kernels: bool = False) -> list[str]:
    """Names of the ways that a choice is made of.

    Where a cell spans several groups two are left. The library convolves along one axis slower than
    it multiplies. Those of Triton kernels are
    among them where ``kernels`` says that these run.
    """
    if not lowers(geometry):
        return ["textbook", *(["convolve-each"] if geometry.dims == PLANE else [])]
    names = (*WAYS, *IMPLICIT) if kernels else WAYS
    if pointwise(geometry):  # what the left-out one multiplies, with a copy of its input
        return [name for name in names if name != "multiply-each"]
    return [name for name in names if geometry.dims > 1 or name != "convolve-each"]


@eager
def auto(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute in the way that was given, or that the cost model thinks fastest."""
    where = situation(x, alpha, cells, geometry)
    name = (_kept and _kept.get(where.key)) or modelled(where)
    return way_of(name)(x, alpha, cells, geometry)


@eager
def measured(x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry) -> Tensor:
    """Compute in the way that was given, or was found fastest by a clock at first use."""
    where = situation(x, alpha, cells, geometry)
    if where.key not in _kept:
        with _lock:
            _kept[where.key] = _fastest(where, x, alpha, cells)
    return auto(x, alpha, cells, geometry)


def _fastest(where: Situation, x: Tensor, alpha: Tensor, cells: Tensor) -> str:
    order = ranked(where)
    able = [name for name, cost in order[:CANDIDATES] if cost <= WITHIN * order[0][1]]
    return min(able, key=lambda name: _clock(name, where, x, alpha, cells))


def _clock(name: str, where: Situation, x: Tensor, alpha: Tensor, cells: Tensor) -> float:
    """Seconds of one step of a way; leaves gradients and random state alone."""
    tensors = [t.detach().requires_grad_(where.trains) for t in (x, alpha, cells)]
    best = float("inf")
    for _ in range(REPEATS + 1):
        _settle(x.device)
        start = time.perf_counter()
        with torch.set_grad_enabled(where.trains):
            y = way_of(name)(tensors[0], tensors[1], tensors[2], where.geometry)
        if where.trains:
            torch.autograd.grad(y, tensors, torch.ones_like(y))
        _settle(x.device)
        best = min(best, time.perf_counter() - start)
    return best


def _settle(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
