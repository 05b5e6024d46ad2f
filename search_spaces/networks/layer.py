"""Layers whose weight is mixed anew for every sample from the cells of a warehouse.

A warehouse serves many layers, and each of them registers it as a submodule, as torch's own tied
weights are: whichever layers are replaced, deleted or taken out, the cells stay with those that are
left. `parameters()` names them once. So does `state_dict()`, under the first layer in the order of
modules; loading takes them under any layer's name. Casting, moving, deep copies, pickles and
functional calls keep the tie, because all of them follow identity.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, Self
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, fx, nn

from search_spaces.errors import InputError, nearest
from search_spaces.networks.attention import Attention
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.operator import convolve, find_way
from search_spaces.networks.ways.ledger import shared
from search_spaces.sites import AttentionNorm
from search_spaces.warehouse import SitePlan, WarehousePlan


class Warehouse(nn.Module):
    """The cells that a group of sites shares: one parameter ``[N, cell_out, cell_in, *kernel]``.

    Args:
        plan: the warehouse's part of a plan; cells start at 0 until `start_run` draws them.
    """

    def __init__(self, plan: WarehousePlan) -> None:
        super().__init__()
        self.name = plan.name
        self.cells: Tensor = nn.Parameter(torch.zeros(plan.cells, *plan.cell_shape))
        self.scale: Tensor | None = None

    @torch.no_grad()
    def compress(self, dtype: torch.dtype) -> None:
        """Keep cells in fewer bytes from now on, as buffers: for inference alone.

        Integers are steps of the 127th part of a cell's largest value; ``scale`` ``[N, 1]`` is the
        size of a step, or 1.
        """
        cells = self.cells.detach()
        scale = cells.new_ones(len(cells), 1)
        if not dtype.is_floating_point:
            largest = cells.flatten(1).abs().amax(1, keepdim=True)
            scale = largest.clamp_min(torch.finfo(cells.dtype).tiny) / torch.iinfo(dtype).max
            cells = (cells / scale.view(-1, *(1,) * (cells.ndim - 1))).round()
        del self.cells, self.scale
        self.register_buffer("cells", cells.to(dtype))
        self.register_buffer("scale", scale)

    @torch.no_grad()
    def start_run(self, start: int, owned: int) -> None:
        """Draw the cells that one site owns: He normal, fan-out of the run taken as one tensor."""
        if owned and not self.cells.is_meta:
            run = self.cells[start : start + owned]
            nn.init.kaiming_normal_(run.flatten(0, 1), mode="fan_out", nonlinearity="relu")

    def _save_to_state_dict(
        self,
        destination: dict[str, Any],
        prefix: str,
        keep_vars: bool,  # noqa: FBT001 - the signature is torch's
    ) -> None:
        """Write the cells down unless another layer that they serve has done so already."""
        memory = _memory(self.cells)
        if not any(isinstance(t, Tensor) and _memory(t) == memory for t in destination.values()):
            super()._save_to_state_dict(destination, prefix, keep_vars)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,  # noqa: FBT001 - the signature is torch's
        missing_keys: list[str],
        *faults: list[str],
    ) -> None:
        """Load the cells, which only one of the layers that they serve needs to bring."""
        key = f"{prefix}cells"
        missed, loaded = self._seen(missing_keys)
        if key in state_dict or not (missed or loaded):
            super()._load_from_state_dict(
                state_dict, prefix, local_metadata, strict, missing_keys, *faults
            )
        if key in state_dict and missed in missing_keys:
            missing_keys.remove(missed)
        _loading[self] = (missing_keys, missed or key, loaded or key in state_dict)

    def _seen(self, missing_keys: list[str]) -> tuple[str, bool]:
        """Of this load, which one list of missing keys belongs to: the first name, and success."""
        before = _loading.get(self)
        return before[1:] if before is not None and before[0] is missing_keys else ("", False)

    def named_modules(
        self,
        memo: set[nn.Module] | None = None,
        prefix: str = "",
        remove_duplicate: bool = True,  # noqa: ARG002, FBT001, FBT002 - the signature is torch's
    ) -> Iterator[tuple[str, nn.Module]]:
        """Itself, once in a network, even where other modules are named as often as they occur.

        `torch.func.functional_call` swaps parameters by every such name and back in the same order,
        which would leave the swapped ones in a module of two names.
        """
        memo = set() if memo is None else memo
        if self not in memo:
            memo.add(self)
            yield prefix, self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - the signature is torch's
        def flat(tensor: Tensor) -> Tensor:
            # cells are no images, but torch would lay tensors of their rank out channels last
            return fn(tensor.flatten(1)).view(tensor.shape)

        super()._apply(flat, recurse)  # type: ignore[no-untyped-call]  # torch left it untyped
        return self

    def extra_repr(self) -> str:
        """Name and shape of the warehouse."""
        return f"{self.name}, {'x'.join(map(str, self.cells.shape))}"


_loading: WeakKeyDictionary[Warehouse, tuple[list[str], str, bool]] = WeakKeyDictionary()
"""Warehouse -> of its latest load: missing keys, the name missed first, whether it is loaded."""


def _memory(tensor: Tensor) -> tuple[Any, ...]:
    """Tells tensors apart by what they are a view of, also where nothing is allocated."""
    return tensor.untyped_storage()._cdata, tensor.storage_offset()  # noqa: SLF001 - torch's only name of a storage without memory


class _Served(nn.Module):
    """What both kinds of served layers have in common.

    Attributes:
        geometry: sizes of the layer.
        spread: root of the mean square of the plain layer's weight, as it was replaced.
        way: name of the way of computing.
    """

    warehouse: Warehouse
    bias: nn.Parameter | None

    def __init__(
        self,
        plan: SitePlan,
        plain: nn.Module,
        warehouse: Warehouse,
        *,
        norm: AttentionNorm = "batch",
        way: str = "auto",
    ) -> None:
        super().__init__()
        find_way(way)
        self.geometry = Geometry.of(plan, plain)
        self.spread = _spread(plain.weight)
        self.way = way
        self.attention = Attention(plan, norm)
        bias = plain.bias
        self.bias = bias if isinstance(bias, nn.Parameter) else None
        self.warehouse = warehouse
        for name in self.__annotations__:  # sizes that tools read off a plain layer
            setattr(self, name, getattr(plain, name))

    def forward(self, x: Tensor) -> Tensor:
        """See `KWConv` and `KWLinear`; `torch.fx` sees a leaf, as it does in torch's own layers."""
        if isinstance(x, fx.Proxy):
            name = x.tracer.path_of_module(self)
            leaf: Tensor = x.tracer.create_proxy("call_module", name, (x,), {})
            return leaf
        return self._forward(x)

    def _forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what torch returns
        """Say of a weight that is asked for why there is none."""
        if name in {"weight", "weight_g", "weight_v", "weight_orig"}:
            raise AttributeError(
                f"A {type(self).__name__} has no {name!r}: its kernel is mixed anew for every "
                "sample. The cells that it is mixed from are its `warehouse.cells`; what needs a "
                "fixed weight (fusing with a norm, pruning, weight norm) can only be done to plain "
                "layers."
            )
        return super().__getattr__(name)

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse `torch.jit.script`, which compiles the source of layers."""
        raise InputError(
            f"torch.jit.script cannot compile a {type(self).__name__}.",
            "Use torch.jit.trace or torch.export.export: both keep the batch size free.",
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was pickled, also when one layer alone registered the warehouse."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch left it untyped
        if "warehouse" in self.__dict__:
            self._modules["warehouse"] = self.__dict__.pop("warehouse")

    def _convolve(self, x: Tensor) -> Tensor:
        """``[B, I, *spatial]`` -> ``[B, O, *out]``, without bias."""
        stored = shared(self.warehouse.cells)
        cells = stored.reshape(*stored.shape[:3], *self.geometry.cell_kernel)
        alpha = self.attention(x)
        scale = getattr(self.warehouse, "scale", None)  # pickles of before have none
        if scale is not None:  # one way alone widens cells while it reads them
            return convolve(x, alpha * scale.mT, cells, self.geometry, "convolve-each")
        return convolve(x, alpha.to(cells.dtype), cells, self.geometry, self.way)

    def extra_repr(self) -> str:
        """Sizes, the warehouse that serves the layer, and the way of computing."""
        g = self.geometry
        kernel = "x".join(map(str, g.kernel))
        return (
            f"{g.in_channels}, {g.out_channels}, kernel={kernel}, groups={g.groups}, "
            f"warehouse={self.warehouse.name}, way={self.way}"
        )


def _spread(weight: object) -> float:
    """Root of the mean square; 0 where there are no numbers yet."""
    if not isinstance(weight, Tensor) or weight.is_meta or not weight.numel():
        return 0.0
    return float(weight.detach().double().square().mean().sqrt())


class KWConv(_Served):
    """A 1-d, 2-d or 3-d convolution served by a warehouse.

    Args:
        plan: the site's part of a plan.
        plain: the convolution it replaces; its bias, if any, is taken over as it is.
        warehouse: the cells.
        norm: norm of the attention's hidden layer.
        way: name of the way of computing.

    Raises:
        InfeasibleError: cells cannot stand in for the weight of ``plain``.
        InputError: no way has that name.

    Attributes:
        in_channels: and the others, as of the plain convolution.
    """

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    groups: int
    padding_mode: str
    transposed: bool
    output_padding: tuple[int, ...]

    def _forward(self, x: Tensor) -> Tensor:
        """``[B, I, *spatial]`` -> ``[B, O, *out]``."""
        y = self._convolve(x)
        if self.bias is None:
            return y
        return y + self.bias.to(y.dtype).view(-1, *(1,) * self.geometry.dims)


class KWLinear(_Served):
    """A linear layer over tokens, channels last, served by a warehouse.

    All tokens of a sample share one weight, mixed after the mean of the tokens. Arguments are
    those of `KWConv`.

    Attributes:
        in_features: and `out_features`, as of the plain layer.
    """

    in_features: int
    out_features: int

    def _forward(self, x: Tensor) -> Tensor:
        """``[B, *positions, I]`` -> ``[B, *positions, O]``; no position axis is needed."""
        positions = x.shape[1:-1]
        tokens = x.reshape(x.shape[0], -1, x.shape[-1]).transpose(1, 2)
        y = self._convolve(tokens).transpose(1, 2)
        y = y.reshape(x.shape[0], *positions, y.shape[-1])
        return y if self.bias is None else y + self.bias.to(y.dtype)


CELLS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.int8}
"""Types that cells may be kept in, by name; the first is that of training."""


def compress_cells(network: nn.Module, kind: str) -> None:
    """Keep the cells of a network in fewer bytes, in place: for inference alone.

    They are widened while kernels are formed, so that products are computed as before. Attention
    and plain layers stay as they are. Cells are no parameters any more.

    Args:
        network: any module; one without served layers is left as it is.
        kind: a key of `CELLS`; ``"float32"`` changes nothing.

    Raises:
        InputError: there is no such kind.
    """
    if kind not in CELLS:
        raise InputError(
            f"{kind!r} is not a type of cells: {', '.join(CELLS)}.{nearest(kind, CELLS)}",
            "Use 'float32' if in doubt.",
        )
    if CELLS[kind] is torch.float32:
        return
    for warehouse in warehouses(network):
        warehouse.compress(CELLS[kind])


def warehouses(network: nn.Module) -> list[Warehouse]:
    """The warehouses of a network, in order of the first layer that each serves."""
    return [module for module in network.modules() if isinstance(module, Warehouse)]
