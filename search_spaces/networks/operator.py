"""The KernelWarehouse convolution: one result, several ways of computing it."""

from torch import Tensor

from search_spaces.errors import InputError, nearest
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import WAYS, Way


def find_way(name: str) -> Way:
    """The way of that name.

    Raises:
        InputError: there is none; the message lists those that there are.
    """
    if name not in WAYS:
        raise InputError(
            f"{name!r} is not a way of computing the operator: {', '.join(WAYS)}."
            f"{nearest(name, WAYS)}",
            "Use 'textbook' if in doubt.",
        )
    return WAYS[name]


def convolve(
    x: Tensor, alpha: Tensor, cells: Tensor, geometry: Geometry, way: str = "textbook"
) -> Tensor:
    """Convolve every sample with its own mixture of cells, without bias.

    Args:
        x: ``[B, I, *spatial]``.
        alpha: ``[B, M, N]``, mixtures in the order (kernel position, output block, input block),
            zero cell dropped.
        cells: ``[N, cell_out, cell_in, *cell_kernel]``.
        geometry: sizes of the layer.
        way: name of the way, a key of `search_spaces.networks.ways.WAYS`.

    Returns:
        ``[B, O, *out]``.

    Raises:
        InputError: no way has that name.
    """
    return find_way(way)(x, alpha, cells, geometry)
