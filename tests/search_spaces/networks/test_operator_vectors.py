"""Attention, operator and layer give the authors' numbers: outputs and both gradients, float64."""

import json
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from search_spaces.formulas import MIN_HIDDEN
from search_spaces.networks.attention import set_temperature
from search_spaces.networks.layer import KWConv, KWLinear, Warehouse
from search_spaces.sites import Address, Site
from search_spaces.warehouse import SitePlan, WarehousePlan

REFERENCE = Path(__file__).parents[2] / "reference"
CASES = json.loads((REFERENCE / "operator_vectors.json").read_text())
LAYERS = [(case, j) for case in CASES for j in range(len(case["layers"]))]


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """Every stored tensor, by its name."""
    return load_file(REFERENCE / "operator_vectors.safetensors")


def site_plan(case: Mapping[str, Any], j: int) -> SitePlan:
    """The plan of layer j, from the numbers stored beside the tensors."""
    row = case["layers"][j]
    cells, cell_out, cell_in, *cell_kernel = case["cells_shape"]
    kernel = (row["kernel"],) * 2
    site = Site(
        name=f"{case['id']}.{j}",
        address=Address(("stage0", f"layer{j}", "conv0")),
        kind="conv",
        in_channels=row["in_channels"],
        out_channels=row["out_channels"],
        kernel=kernel,
        groups=row["groups"],
        bias=case.get("bias", False),
        positions=1,
        stride=(row["stride"],) * 2,
    )
    ratio = Fraction(case["b"])
    local = int(ratio * row["mixtures"])
    basis = case["basis"] < 1
    return SitePlan(
        site=site,
        warehouse=0,
        cells=cells,
        blocks=(
            prod(kernel) // prod(cell_kernel),
            site.out_channels // cell_out,
            site.group_in_channels // cell_in,
        ),
        ratio=ratio,
        start=row["start_cell"],
        local=local,
        owned=local,
        hidden=max(int(site.in_channels * case["red"]), MIN_HIDDEN),
        basis=max(int((cells - local) * case["basis"]), MIN_HIDDEN) if basis else None,
        linear_bias=case["norm"] == "layer",
    )


def served(case: Mapping[str, Any], j: int, tensors: Mapping[str, Tensor]) -> KWConv:
    """Layer j with the stored state, in float64."""
    row = case["layers"][j]
    plain = nn.Conv2d(
        row["in_channels"],
        row["out_channels"],
        row["kernel"],
        row["stride"],
        row["padding"],
        groups=row["groups"],
        bias=case.get("bias", False),
    )
    shape = tuple(case["cells_shape"])
    warehouse = Warehouse(WarehousePlan("w", shape[0], shape[1:], (0,)))
    layer = KWConv(site_plan(case, j), plain, warehouse, norm=case["norm"]).double()
    start = f"{case['id']}/{j}/"
    state = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
    wanted = {k: v for k, v in state.items() if k.startswith("attention.") or k == "bias"}
    wanted["warehouse.cells"] = tensors[f"{case['id']}/cells"]
    left = layer.load_state_dict(wanted, strict=False)
    assert not left.unexpected_keys
    assert set(left.missing_keys) <= {
        "attention.temperature",
        "attention.beta",
        "attention.basis_bias",
    }
    set_temperature(layer, case["tau"])
    return layer.train(case["train"])


@pytest.mark.parametrize(("case", "j"), LAYERS, ids=[f"{c['id']}-{j}" for c, j in LAYERS])
def test_output_and_gradients_are_the_stored_ones(
    case: dict[str, Any], j: int, tensors: dict[str, Tensor]
) -> None:
    """`y`, `grad_x` and `grad_cells` agree to 1e-10."""
    stored = {name: tensors[f"{case['id']}/{j}/{name}"] for name in ("x", "y", "grad_y")}
    layer = served(case, j, tensors)
    x = stored["x"].requires_grad_()
    y = layer(x)
    y.backward(stored["grad_y"])
    cells = layer.warehouse.cells
    assert cells.grad is not None
    assert x.grad is not None
    for ours, theirs in (
        (y, stored["y"]),
        (x.grad, tensors[f"{case['id']}/{j}/grad_x"]),
        (cells.grad, tensors[f"{case['id']}/{j}/grad_cells"]),
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("case", "j"), LAYERS, ids=[f"{c['id']}-{j}" for c, j in LAYERS])
def test_beta_is_the_stored_matrix(
    case: dict[str, Any], j: int, tensors: dict[str, Tensor]
) -> None:
    """The integers of the buffer, written out, are upstream's 0/1 matrix."""
    beta = served(case, j, tensors).attention.beta
    matrix = nn.functional.one_hot(beta, case["cells_shape"][0] + 1).double()
    torch.testing.assert_close(matrix, tensors[f"{case['id']}/{j}/beta"], rtol=0, atol=0)


@pytest.mark.parametrize(("case", "j"), LAYERS, ids=[f"{c['id']}-{j}" for c, j in LAYERS])
def test_attention_holds_the_planned_parameters(case: dict[str, Any], j: int) -> None:
    """The count of the plan is what the module holds."""
    plan = site_plan(case, j)
    warehouse = Warehouse(WarehousePlan("w", plan.cells, tuple(case["cells_shape"][1:]), (0,)))
    row = case["layers"][j]
    plain = nn.Conv2d(row["in_channels"], row["out_channels"], row["kernel"], groups=row["groups"])
    attention = KWConv(plan, plain, warehouse, norm=case["norm"]).attention
    assert sum(p.numel() for p in attention.parameters()) == plan.attention_params


def test_a_pointwise_convolution_and_a_linear_layer_agree(tensors: dict[str, Tensor]) -> None:
    """Tokens in rows are positions in an image, channels last."""
    case = next(c for c in CASES if c["id"] == "pointwise_ln_b1")
    conv = served(case, 0, tensors)
    plan = site_plan(case, 0)
    site = plan.site
    linear = KWLinear(
        plan,
        nn.Linear(site.in_channels, site.out_channels, bias=False),
        conv.warehouse,
        norm="layer",
    ).double()
    linear.load_state_dict(conv.state_dict())
    x = tensors["pointwise_ln_b1/0/x"]
    rows = linear(x.movedim(1, -1)).movedim(-1, 1)
    torch.testing.assert_close(rows, conv(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(
        linear(x.mean((2, 3))), conv(x.mean((2, 3), keepdim=True)).flatten(1), rtol=0, atol=1e-12
    )
