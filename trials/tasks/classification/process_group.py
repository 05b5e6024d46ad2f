"""Several processes that train one network: shares of a batch, and sums over all of them.

Batches are global: each process works on an even share of every one, and gradients, statistics of
norms and measurements are of the whole batch, so what is learnt does not depend on the number of
processes, but for rounding. Stochastic depth and dropout draw differently in each process.
"""

from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.parallel import DistributedDataParallel

from search_spaces.errors import InputError, plural

_OFFERED = signature(DistributedDataParallel).parameters
_NO_BUFFERS: dict[str, Any] = {
    ("forward_sync_buffers" if "forward_sync_buffers" in _OFFERED else "broadcast_buffers"): False
}
"""How torch is told not to send buffers in every forward pass; the name changed after 2.10."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes of a training, as ``torchrun`` starts them.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    def share(self, batch: int) -> slice:
        """This process's part of a batch.

        Raises:
            InputError: the batch cannot be shared evenly.
        """
        if batch % self.size:
            processes = plural(self.size, "process", "processes")
            raise InputError(
                f"Batches of {plural(batch, 'image')} cannot be shared by {processes}.",
                "Give a batch size that is a multiple of their number.",
            )
        part = batch // self.size
        return slice(self.rank * part, (self.rank + 1) * part)

    def wrapped(self, network: nn.Module) -> nn.Module:
        """The network to call in training: its gradients are means over all processes.

        Parameters are those of the first process from here on. Buffers are not sent: they are the
        same everywhere already, and would cost a message a step.
        """
        if self.size == 1:
            return network
        return DistributedDataParallel(network, **_NO_BUFFERS)

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(value)
        return value


ALONE = ProcessGroup()


def share_statistics(network: nn.Module, group: ProcessGroup) -> nn.Module:
    """Let batch norms take mean and variance over the whole batch, in place where that can be."""
    if group.size == 1:
        return network
    if next(network.parameters()).is_cuda:
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch left it untyped
        return converted
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            kind = type(module)
            module.__class__ = type(f"Global{kind.__name__}", (_GlobalNorm, kind), {})
    return network


class _Total(torch.autograd.Function):
    """The sum over all processes, through which gradients flow back as sums, too."""

    @staticmethod
    def forward(_: FunctionCtx, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(_: FunctionCtx, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class _GlobalNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - the root of all batch norms
    """Batch norm over the batch of all processes, on any device.

    torch's own `SyncBatchNorm` is for CUDA alone.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name for it
        """``[B, C]`` or ``[B, C, *positions]`` -> the same."""
        if not self.training:
            return super().forward(input)
        axes = (0, *range(2, input.ndim))
        shape = (1, -1, *(1,) * (input.ndim - 2))
        x = input.double()  # sums of squares lose what is left of them in single precision
        parts = (x.sum(axes), x.square().sum(axes), x.new_tensor([x.numel()]))
        sums: Tensor = _Total.apply(torch.cat(parts))
        count = sums[-1] / self.num_features
        mean, square = (part / count for part in sums[:-1].chunk(2))
        variance = square - mean.square()
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        normal = (x - mean.view(shape)) * (variance + self.eps).rsqrt().view(shape)
        scaled: Tensor = normal.to(input.dtype) * self.weight.view(shape) + self.bias.view(shape)
        return scaled

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None  # noqa: S101 - these networks' norms all track
        assert self.running_var is not None  # noqa: S101 - likewise
        assert self.num_batches_tracked is not None  # noqa: S101 - likewise
        self.num_batches_tracked.add_(1)
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean), momentum)
        self.running_var.lerp_(variance.to(self.running_var), momentum)
