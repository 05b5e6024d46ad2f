"""The KernelWarehouse convolution: one result, several ways of computing it.

Where torch's own operations must be seen (exporters, tracers, transforms, counters), and for a
batch of no samples, every layer is computed by `search_spaces.networks.ways.unfold`, whatever way
was asked for.
"""

from torch import Tensor

from search_spaces.errors import InputError, nearest
from search_spaces.networks.chooser import auto, measured
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import IMPLICIT, WAYS, Way
from search_spaces.networks.ways.tracing import plain_operations
from search_spaces.networks.ways.unfold import unfold

KNOWN: dict[str, Way] = {"auto": auto, "measured": measured, **WAYS, **IMPLICIT}
"""Every way by name, and the two that choose one."""


def find_way(name: str) -> Way:
    """The way of that name.

    Raises:
        InputError: there is none; the message lists those that there are.
    """
    if name not in KNOWN:
        raise InputError(
            f"{name!r} is not a way of computing the operator: {', '.join(KNOWN)}."
            f"{nearest(name, KNOWN)}",
            "Use 'auto' if in doubt.",
        )
    return KNOWN[name]


def convolve(
    x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry, way: str = "auto"
) -> Tensor:
    """Convolve every sample with its own mixture of cells, without bias.

    Args:
        x: ``[B, I, *spatial]``.
        alpha: ``[B, M, N]``, mixtures in the order (kernel position, output block, input block),
            zero cell dropped.
        cells: ``[N, cell_out, cell_in, *cell_kernel]``.
        geometry: sizes of the layer.
        way: a key of `KNOWN`: ``"auto"`` takes the way that the cost model thinks fastest,
            ``"measured"`` the one that a clock does.

    Returns:
        ``[B, O, *out]``.

    Raises:
        InputError: no way has that name.
    """
    found = find_way(way)
    if plain_operations() or not x.shape[0]:
        found = unfold
    return found(x, alpha, cells, geometry)
