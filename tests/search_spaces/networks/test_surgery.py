"""Layers are replaced, deleted and taken out; the cells stay with the layers that are left."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from search_spaces.config import NetworkConfig
from search_spaces.networks import build
from search_spaces.networks.layer import KWConv, warehouses


def network(seed: int = 0) -> nn.Module:
    """One warehouse for all layers of a stage; hand-over gives stages 1 and 2 layers of others."""
    torch.manual_seed(seed)
    return build(NetworkConfig(backbone="resnet8x0.25", num_classes=4, in_channels=1)).eval()


def images() -> Tensor:
    return torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def used(module: nn.Module) -> set[int]:
    return {id(m.warehouse.cells) for m in module.modules() if isinstance(m, KWConv)}


def named(module: nn.Module) -> set[int]:
    return {id(parameter) for parameter in module.parameters()}


def cells(state: dict[str, Tensor]) -> list[str]:
    return [name for name in state if name.endswith("warehouse.cells")]


def first_served(module: nn.Module) -> str:
    return next(name for name, m in module.named_modules() if isinstance(m, KWConv))


def replace(module: nn.Module) -> nn.Module:
    module.set_submodule(first_served(module), nn.Conv2d(4, 4, 3, padding=1))
    return module


def delete(module: nn.Module) -> nn.Module:
    module.set_submodule(first_served(module), nn.Identity())
    return module


def take_out(module: nn.Module) -> nn.Module:
    found = module.get_submodule("layer3")
    assert isinstance(found, nn.Module)
    return found


SURGERY = [replace, delete, take_out]


@pytest.mark.parametrize("surgery", SURGERY)
def test_cells_that_layers_compute_with_are_parameters_and_state(surgery):
    left = surgery(network())
    assert used(left) <= named(left)
    assert len(cells(left.state_dict())) == len(warehouses(left)) == len(used(left))


@pytest.mark.parametrize("surgery", SURGERY)
def test_state_goes_over_to_a_network_cut_alike(surgery):
    """Strictly, and with it the numbers that layers compute."""
    left, other = surgery(network(0)), surgery(network(1))
    other.load_state_dict(left.state_dict())
    for mine, theirs in zip(left.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("move", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301 - our own
def test_copies_keep_the_tie(move):
    copied = move(network())
    assert used(copied) <= named(copied)
    assert len(warehouses(copied)) == len(warehouses(network()))
    assert not named(copied) & named(network())


def test_cells_are_loaded_under_any_layers_name():
    """Files name them under the first layer; one that names another of the layers is as good."""
    module, other = network(0), network(1)
    state = module.state_dict()
    names = {name: m for name, m in module.named_modules() if isinstance(m, KWConv)}
    for key in cells(state):
        tied = [n for n, m in names.items() if m.warehouse is module.get_submodule(key[:-6])]
        state[f"{tied[-1]}.warehouse.cells"] = state.pop(key)
    other.load_state_dict(state)
    assert torch.equal(other(images()), module(images()))


def test_missing_cells_are_missed_once_and_strictly():
    module = network()
    state = module.state_dict()
    gone = cells(state)[0]
    del state[gone]
    with pytest.raises(RuntimeError, match="Missing key"):
        module.load_state_dict(state)
    told = module.load_state_dict(state, strict=False)
    assert (told.missing_keys, told.unexpected_keys) == ([gone], [])


def test_state_on_the_meta_device_names_each_warehouse_once():
    with torch.device("meta"):
        module = network()
    assert len(cells(module.state_dict())) == len(warehouses(module))


def test_a_functional_call_leaves_the_network_as_it_was():
    """Although cells are registered by several layers, they are swapped and put back once."""
    module = network()
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    zeros = {name: torch.zeros_like(value) for name, value in before.items()}
    torch.func.functional_call(module, zeros, (images(),))
    after = dict(module.named_parameters(remove_duplicate=False))
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_pickle_in_which_one_layer_alone_registered_the_warehouse_is_taken_over():
    """As networks were pickled before: the others held it as a plain attribute."""
    module = network()
    for name, layer in module.named_modules():
        if isinstance(layer, KWConv) and f"{name}.warehouse.cells" not in module.state_dict():
            layer.__dict__["warehouse"] = layer._modules.pop("warehouse")
    found = pickle.loads(pickle.dumps(module))  # noqa: S301 - our own
    assert torch.equal(found(images()), module(images()))
    found.set_submodule(first_served(found), nn.Identity())
    assert used(found) <= named(found)
