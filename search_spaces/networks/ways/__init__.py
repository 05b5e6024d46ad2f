"""The ways of computing a KernelWarehouse convolution; they differ in cost, not in result.

**The sum.** The paper (Li and Yao, arXiv 2308.08361, section 3.1) cuts the kernel of a layer into M
blocks and mixes each block from the N cells of a warehouse, for every sample b anew::

    W[b, m] = sum over n of  alpha[b, m, n] * cells[n]
    y[b]    = convolution of x[b] with the blocks W[b, m], each in its place

A convolution is a product with patches of the input. Let ``P[b, h, j, d]`` be the values that
output position h reads: j runs over the blocks of a patch (kernel position and input block) and d
over the values of a block. A block m of the kernel is then a pair (p, j) with p its output block,
and with a the output channels of a cell the layer is one sum over three tensors::

    y[b, h, p, a] = sum over j, n, d of  P[b, h, j, d] * A[b, p, j, n] * C[n, a, d]

with A the attention and C the cells. `lowering` has the exact axes, groups included, and brings
tensors to these shapes and back.

**The orders.** The sum is linear in each tensor, so two of the three may be contracted first. The
plain layer multiplies H * p * J * D * a times a sample (H positions, p output blocks, J blocks of a
patch, D values of a block). In units of that::

    order         first                                  then              multiplications
    textbook      W[b, p, j, d, a] = sum_n  A * C        P * W             1 + N / H
    assemble      the same, in tiles, live positions     P * W             1 + N / H
    mix-inputs    U[b, h, p, n, d] = sum_j  P * A        U * C             N / J + N / a
    mix-outputs   V[b, s, q, n, a] = sum_d  X * C        V * A             N / D + N / (K p)

`textbook` is the definition: all kernels in memory and one convolution with batch x groups groups.
`assemble` forms the same kernels a few samples at a time. ``mix-outputs`` multiplies the q blocks
at each of the s input positions once, not every patch, hence K (kernel positions) below the line,
at stride 1. Late stages have few positions H and many blocks J: mixing is cheap there. Early stages
have many positions: kernels are. `costs` counts more than multiplications, and
`search_spaces.networks.chooser` decides. The gradient of each tensor is the same sum with the
gradient of y in the place of that tensor, contracted in the same order.

**What is where.** One file an order: `textbook`, `assemble`, `mix_inputs`, `mix_outputs`; `each`
has two that form whole kernels of a few samples first, as is quick without gradients. Shared by
all but the textbook are `lowering` (shapes), `axes` (which outputs read which inputs along one
axis), `contraction` (the function that autograd sees: types, gradients, what is kept), `ledger`
(one gradient buffer for layers that share cells), `matmul` and `scratch` (fast products, reused
memory). `patches` reads P, for `assemble` and for layers of one kernel position. `bands` and
`mixing` lay attention out as a matrix between output and input positions, for the two orders that
mix. `implicit` has two orders again, for GPUs, where the Triton kernels of `kernels`, started by
`launching`, read P out of the input. `unfold` is the textbook as products of matrices, for those
who look at the operations, see `tracing`. `rates` says how fast the cost model thinks a device is.

**Contract** of a way, for ``y = way(x, alpha, cells, geometry)``:

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
from search_spaces.networks.ways.each import convolve_each, multiply_each
from search_spaces.networks.ways.implicit import assemble_implicit, mix_inputs_implicit
from search_spaces.networks.ways.mix_inputs import mix_inputs
from search_spaces.networks.ways.mix_outputs import mix_outputs
from search_spaces.networks.ways.textbook import textbook

Way = Callable[[Tensor, Tensor, Tensor, Geometry], Tensor]

WAYS: dict[str, Way] = {
    "textbook": textbook,
    "assemble": assemble_matmul,
    "mix-inputs": mix_inputs,
    "mix-outputs": mix_outputs,
    "multiply-each": multiply_each,
    "convolve-each": convolve_each,
}
"""The ways that run anywhere: the textbook, the three orders that `contraction` differentiates, and
two of inference."""

IMPLICIT: dict[str, Way] = {
    "assemble-implicit": assemble_implicit,
    "mix-inputs-implicit": mix_inputs_implicit,
}
"""The ways that run where Triton does."""


def way_of(name: str) -> Way:
    """The way of that name.

    Raises:
        KeyError: there is none.
    """
    return WAYS[name] if name in WAYS else IMPLICIT[name]
