"""The ways of computing a KernelWarehouse convolution; they differ in cost, not in result.

Contract of a way, for ``y = way(x, alpha, cells, geometry)``:

- ``x`` is ``[B, I, *spatial]``, ``alpha`` is ``[B, M, N]`` with the mixtures in the order (kernel
  position, output block, input block) and without the zero cell, ``cells`` is
  ``[N, cell_out, cell_in, *cell_kernel]``, and ``y`` is ``[B, O, *out]``;
- sample b is convolved with the kernel that ``alpha[b] @ cells`` lays out; no bias is added;
- gradients reach ``x``, ``alpha`` and ``cells``; none of the three is changed;
- every geometry is computed, or refused by a `NotImplementedError` before anything is computed.
"""

from collections.abc import Callable

from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.assemble import assemble_matmul
from search_spaces.networks.ways.mix_inputs import mix_inputs
from search_spaces.networks.ways.mix_outputs import mix_outputs
from search_spaces.networks.ways.textbook import textbook

Way = Callable[[Tensor, Tensor, Tensor, Geometry], Tensor]

WAYS: dict[str, Way] = {
    "textbook": textbook,
    "assemble": assemble_matmul,
    "mix-inputs": mix_inputs,
    "mix-outputs": mix_outputs,
}
"""The ways by name."""
