"""Attention over the cells of a warehouse: one row of shares for each mixture of a site.

Li and Yao, arXiv 2308.08361, section 3.2 (contrasting-driven attention function): shares of a row
may be negative, and only their absolute values add up to one. Differences between samples, not a
softmax, tell the mixtures apart. With z ``[B, M, N + 1]`` the logits of a site's mixtures and t the
temperature::

    row[b, m]      = z[b, m] / (sum over n of |z[b, m, n]| + 1e-3)
    alpha[b, m, n] = (1 - t) * row[b, m, n] + t * beta[m, n]

of which the last column, the zero cell's, is dropped.

Axes: B batch, I channels of the site's input, H hidden, M mixtures, N cells, N + 1 cells with the
zero cell last, L local cells, K basis.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Self

import torch
from torch import Tensor, nn

from search_spaces.networks.ways.tracing import plain_operations
from search_spaces.sites import AttentionNorm
from search_spaces.warehouse import SitePlan

ROW_EPSILON = 1e-3
"""Added to a row's L1 norm before dividing by it (upstream's constant)."""

_HALF = (torch.float16, torch.bfloat16)


class HeLinear(nn.Linear):
    """A linear layer that starts He normal by fan-out, with bias 0."""

    def reset_parameters(self) -> None:
        """Draw the weight; a layer without outputs or without memory draws nothing."""
        if self.weight.numel() and not self.weight.is_meta:
            nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Attention(nn.Module):
    """From a site's input to the shares that its mixtures take of the cells.

    Parameters stay in single precision or better when a network is cast to a half type, and
    autocast is off inside: shares are ratios of small numbers.

    Args:
        plan: the site's part of a plan.
        norm: norm of the hidden layer; with ``"batch"`` a training batch needs two samples.

    Attributes:
        temperature: buffer; 1 leaves the fixed assignment ``beta`` alone, 0 the attention alone.
        beta: buffer ``[M]`` of integers, the cell that each row of the 0/1 matrix beta points to
            (N is the zero cell).
    """

    temperature: Tensor
    beta: Tensor

    def __init__(self, plan: SitePlan, norm: AttentionNorm = "batch") -> None:
        super().__init__()
        self.cells, self.mixtures = plan.cells, plan.mixtures
        self.start, self.local = plan.start, plan.local
        rows = plan.mixtures * (plan.cells + 1)
        self.fc1 = HeLinear(plan.site.in_channels, plan.hidden, bias=plan.linear_bias)
        self.norm1 = (nn.BatchNorm1d if norm == "batch" else nn.LayerNorm)(plan.hidden)
        if plan.basis is None:
            self.fc2 = HeLinear(plan.hidden, rows)
            self.fc3 = None
        else:
            logits = plan.mixtures * (plan.local + plan.basis + 1)
            self.fc2 = HeLinear(plan.hidden, logits, bias=False)
            self.fc3 = HeLinear(plan.basis, plan.cells - plan.local, bias=False)
            self.basis_bias = nn.Parameter(torch.zeros(rows))
        self.register_buffer("temperature", torch.zeros(()))
        self.register_buffer("beta", torch.tensor(plan.beta_rows(), dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        """Shares of the cells.

        Args:
            x: ``[B, I, *positions]``, any number of position axes.

        Returns:
            ``[B, M, N]``, the zero cell dropped, in the precision of the attention's parameters.
        """
        with _without_autocast(x):
            pooled = _pooled(x, self.fc1.weight.dtype)
            hidden = self.norm1(self.fc1(pooled)).relu()
            rows = self._rows(self.fc2(hidden))
            total = rows.abs().sum(-1, keepdim=True) + ROW_EPSILON
            if self._assigns_nothing(x):
                return rows[..., :-1] / total
            cell = torch.arange(self.cells, device=self.beta.device)
            beta = (self.beta.unsqueeze(1) == cell).to(rows)
            return torch.lerp((rows / total)[..., :-1], beta, self.temperature.to(rows))

    def _assigns_nothing(self, x: Tensor) -> bool:
        """Whether ``beta`` has no share: asked of inference alone, where the answer costs nothing.

        A compiler or an exporter must see one path, and an accelerator would be waited for.
        """
        if x.device.type != "cpu" or torch.is_grad_enabled():
            return False
        if torch.compiler.is_compiling() or plain_operations():
            return False
        return self.temperature.item() == 0

    @property
    def assignment(self) -> nn.Parameter:
        """What every row begins with before the input is heard: ``[M * (N + 1)]``, rows first."""
        return self.fc2.bias if self.fc3 is None else self.basis_bias

    def _rows(self, logits: Tensor) -> Tensor:
        """``[B, M, N + 1]`` in cell order, zero cell last."""
        logits = logits.reshape(-1, self.mixtures, self.fc2.out_features // self.mixtures)
        if self.fc3 is None:
            return logits
        local, zero = logits[..., : self.local], logits[..., -1:]
        others = self.fc3(logits[..., self.local : -1])
        before, after = others[..., : self.start], others[..., self.start :]
        rows = torch.cat((before, local, after, zero), dim=-1)
        return rows + self.basis_bias.view(self.mixtures, self.cells + 1)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - the signature is torch's
        def kept(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return tensor.to(moved.device) if moved.dtype in _HALF else moved

        super()._apply(kept, recurse)  # type: ignore[no-untyped-call]  # torch left it untyped
        return self


def set_temperature(network: nn.Module, value: float) -> None:
    """Set the temperature of every attention of ``network``, in place.

    Args:
        network: any module; one without attention is left as it is.
        value: 1 at the start of training, falling to 0 (see the training recipe).

    Raises:
        ValueError: the value is not between 0 and 1.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"a temperature lies between 0 and 1, and {value} does not")
    for module in network.modules():
        if isinstance(module, Attention):
            module.temperature.fill_(value)


def _pooled(x: Tensor, dtype: torch.dtype) -> Tensor:
    axes = tuple(range(2, x.ndim))
    return x.mean(axes, dtype=dtype) if axes else x.to(dtype)


def _without_autocast(x: Tensor) -> AbstractContextManager[object]:
    kind = x.device.type
    if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
        return nullcontext()
    return torch.autocast(kind, enabled=False)
