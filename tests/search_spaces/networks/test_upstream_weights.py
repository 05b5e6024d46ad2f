"""The authors' tensors load into our networks and give the authors' logits."""

import json
import zlib
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from search_spaces import InputError
from search_spaces.networks import build, load_upstream_state_dict, read_tensors
from search_spaces.published import published

REFERENCE = Path(__file__).parents[2] / "reference"
KEYS = json.loads((REFERENCE / "state_dict_keys.json").read_text())
SEEDS = {
    "kw1d4x_resnet18": 0,
    "kw1d2x_resnet50": 1,
    "kw1x_mobilenetv2_050": 2,
    "kw1d2x_mobilenetv2_050": 3,
    "kw1x_convnext_tiny": 4,
}
"""Seed of the images of each network whose logits are stored."""

AMPLIFIED = 10
"""Times what rounding of the images does to logits that they may be apart."""


def filled(name: str, shape: list[int]) -> Tensor:
    """The value that the recipe beside the stored logits gives a tensor of this name."""
    z = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        value = 1 + 0.1 * np.abs(z)
    elif name.endswith("running_mean"):
        value = 0.1 * z
    elif name.endswith("gamma"):
        value = 0.5 + 0.1 * z
    elif len(shape) == 1:
        value = 1 + 0.1 * z if name.endswith("weight") else 0.1 * z
    else:
        value = z * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(value))


def stored_state(name: str) -> dict[str, Tensor]:
    """A whole state dict of one of the authors' networks."""
    return {
        key: filled(key, shape) if kind == "float64" else torch.zeros(shape, dtype=torch.long)
        for key, (shape, kind) in KEYS[f"{name}.json"].items()
    }


@pytest.fixture(scope="module")
def tensors18() -> dict[str, Tensor]:
    """The state dict of the 1/4x ResNet-18."""
    return stored_state("kw1d4x_resnet18")


@pytest.fixture
def resnet18() -> nn.Module:
    """The 1/4x ResNet-18, built."""
    return build(published("kw1d4x_resnet18"))


@pytest.mark.parametrize("name", SEEDS)
def test_logits_are_those_of_the_authors(name: str) -> None:
    """Batch statistics, temperature 0, float64: they agree to 1e-8, or as rounding allows.

    Normalising attention over four samples amplifies rounding, and processors add in orders of
    their own: images that differ by 1e-15 move logits of ResNet-50 by 4e-7, and those of a
    MobileNetV2 by 1e-4. A fault of the network moves them by a tenth or more.
    """
    network = build(published(name)).double()
    report = load_upstream_state_dict(network, stored_state(name))
    assert report.complete
    assert all(k.endswith(("basis_bias", ".bias")) for k in report.assumed)
    values = np.random.default_rng(SEEDS[name]).standard_normal((4, 3, 64, 64))
    images = torch.from_numpy(values)
    with torch.no_grad():
        logits = network(images)
        moved = (network(images * (1 + 1e-15)) - logits).abs().max().item()
    stored = load_file(REFERENCE / "network_logits.safetensors")
    theirs = next(v for k, v in stored.items() if k.startswith(name))
    assert moved < 1e-3
    torch.testing.assert_close(logits, theirs, rtol=0, atol=max(1e-8, AMPLIFIED * moved))


def faulty(tensors: Mapping[str, Tensor], fault: str) -> dict[str, Tensor]:
    """The tensors with one fault."""
    changed = dict(tensors)
    if fault == "missing":
        del changed["fc.bias"]
    elif fault == "unexpected":
        changed["head.bias"] = torch.zeros(3)
    elif fault == "another shape":
        changed["fc.bias"] = torch.zeros(10)
    elif fault == "a warehouse too many":
        changed["warehouse_manager.weights.4"] = torch.zeros(3)
    return changed


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("missing", r"1 missing \(fc.bias\)"),
        ("unexpected", r"1 unexpected \(head.bias\)"),
        ("another shape", r"1 of another shape \(fc.bias 1000, given 10\)"),
        ("a warehouse too many", r"1 unexpected \(warehouse_manager.weights.4\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_loaded(
    resnet18: nn.Module, tensors18: dict[str, Tensor], fault: str, told: str
) -> None:
    """The message names it, and no tensor of the network has changed."""
    before = {k: v.clone() for k, v in resnet18.state_dict().items()}
    with pytest.raises(InputError, match=told):
        load_upstream_state_dict(resnet18, faulty(tensors18, fault))
    assert all(torch.equal(v, before[k]) for k, v in resnet18.state_dict().items())


def test_what_does_not_fit_is_listed_where_that_is_accepted(
    resnet18: nn.Module, tensors18: dict[str, Tensor]
) -> None:
    """Everything else is loaded."""
    report = load_upstream_state_dict(resnet18, faulty(tensors18, "missing"), strict=False)
    assert report.missing == ("fc.bias",)
    assert not report.complete
    assert len(report.loaded) == len(tensors18) - 1
    stored = tensors18["warehouse_manager.weights.3"].float()
    torch.testing.assert_close(resnet18.state_dict()["layer4.0.conv2.warehouse.cells"], stored)


def test_a_network_that_was_not_built_here_is_refused(tensors18: dict[str, Tensor]) -> None:
    """It has no plan to read names from."""
    with pytest.raises(InputError, match="carries no plan"):
        load_upstream_state_dict(nn.Linear(2, 2), tensors18)


def small() -> dict[str, Tensor]:
    """Two tensors."""
    return {"a": torch.arange(3.0), "b": torch.ones(2, 2)}


@pytest.mark.parametrize(
    "content",
    [
        small(),
        {"state_dict": small()},
        {"model": small(), "optimizer": {"lr": 0.1}, "args": Namespace(model="kw", lr=0.1)},
        {f"module.{k}": v for k, v in small().items()},
    ],
    ids=["plain", "state_dict", "checkpoint", "distributed"],
)
def test_torch_files_are_read_in_every_wrapping(content: Any, tmp_path: Path) -> None:
    """Plain, wrapped, with the settings of a training script, from distributed training."""
    torch.save(content, tmp_path / "w.pth")
    read = read_tensors(tmp_path / "w.pth")
    assert read.keys() == small().keys()
    assert all(torch.equal(v, small()[k]) for k, v in read.items())


def test_safetensors_are_read(tmp_path: Path) -> None:
    """The file's suffix says what it is."""
    save_file(small(), tmp_path / "w.safetensors")
    assert all(
        torch.equal(v, small()[k]) for k, v in read_tensors(tmp_path / "w.safetensors").items()
    )


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_needs_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    """The trace that it would leave is not there."""
    torch.save({"model": small(), "extra": Malicious(tmp_path / "trace")}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="weights-only"):
        read_tensors(tmp_path / "w.pth")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("length", [0, 5, 60, 200])
def test_damaged_files_are_refused(tmp_path: Path, suffix: str, length: int) -> None:
    """Cut at any length, the file is refused by name."""
    whole = tmp_path / f"whole.{suffix}"
    if suffix == "pth":
        torch.save(small(), whole)
    else:
        save_file({"a": torch.zeros(1000)}, whole)
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(InputError, match=r"cut\."):
        read_tensors(cut)


def test_files_without_tensors_are_refused(tmp_path: Path) -> None:
    """Missing, or holding something else."""
    with pytest.raises(InputError, match="no file"):
        read_tensors(tmp_path / "nowhere.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="no named tensors"):
        read_tensors(tmp_path / "list.pth")
