"""Reading and writing the authors' settings."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import (
    InfeasibleError,
    InputError,
    NetworkConfig,
    from_upstream,
    plan_network,
    to_upstream,
)
from search_spaces.backbones import shipped
from search_spaces.published import PUBLISHED, published
from search_spaces.upstream import FIXED_MODELS, MODELS

RATIO = st.sampled_from([0.25, 0.5, 1.0])
SETTINGS = st.fixed_dictionaries(
    {"model": st.sampled_from(sorted(MODELS))},
    optional={
        "cell_num_ratio": st.sampled_from([0.25, 1 / 3, 0.5, 1, 2, 3, 4.0]),
        "cell_inplane_ratio": RATIO,
        "cell_outplane_ratio": RATIO,
        "reduction": st.sampled_from([0.03125, 0.0625, 0.125]),
        "nonlocal_basis_ratio": st.sampled_from([0.0625, 0.25, 1.0]),
        "sharing_range": st.sampled_from(
            [[], ["layer"], ["layer", "conv"], ["layer", "pwconv"], ["l"], "layer", "layer conv"]
        ),
        "num_classes": st.sampled_from([10, 1000]),
    },
)


@given(SETTINGS)
@settings(max_examples=60, deadline=None)
def test_round_trip_keeps_the_network(mapping: dict[str, Any]) -> None:
    """Settings read, written and read again plan the same network, and the input is untouched."""
    before = dict(mapping)
    config = from_upstream(mapping)
    assert mapping == before
    assert plan_network(from_upstream(to_upstream(config))).digest == plan_network(config).digest


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_networks_survive_the_round_trip(name: str) -> None:
    """Every published configuration can be written and read back."""
    config = published(name)
    assert plan_network(from_upstream(to_upstream(config))).digest == plan_network(config).digest


@given(st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0]), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_values_by_stage_are_written_by_warehouse(ratios: list[float]) -> None:
    """One number per stage becomes one per warehouse, or a single one where all agree."""
    config = NetworkConfig(
        backbone="resnet18",
        granularity="stage",
        cell_num_ratio=tuple(ratios),
        sharing_range=("layer",),
    )
    written = to_upstream(config)
    warehouses = plan_network(config).warehouses
    expected = [ratios[int(w.name[len("stage")])] for w in warehouses]
    assert written["cell_num_ratio"] == (ratios[0] if len(set(ratios)) == 1 else expected)
    assert plan_network(from_upstream(written)).digest == plan_network(config).digest


def test_a_string_is_the_list_of_its_letters() -> None:
    """A plain string merges what its letters begin; letters that begin no part are dropped."""
    read = from_upstream({"model": "kw_mobilenetv2_100", "sharing_range": "layer"})
    assert read.sharing_range == ("l",)
    assert plan_network(read).warehouses[1].name == "stage1_l_dwconv0"
    both = from_upstream({"model": "kw_resnet18", "sharing_range": "layer conv"})
    assert both.sharing_range == ("l", "c")


@pytest.mark.parametrize("model", sorted(FIXED_MODELS))
def test_models_that_fix_their_settings_need_no_others(model: str) -> None:
    """The model alone says everything; repeating a value is fine, changing one is not."""
    config = from_upstream({"model": model})
    assert from_upstream({"model": model, "reduction": 0.03125, "sharing_range": "layer"}) == config
    assert len(plan_network(config).warehouses) == 10
    with pytest.raises(InputError, match="fixes cell_num_ratio"):
        from_upstream({"model": model, "cell_num_ratio": 1.0})


def test_absent_settings_are_the_usual_ones() -> None:
    """A model alone is its 1x network with 1000 classes."""
    for model in MODELS:
        config = from_upstream({"model": model})
        assert config.num_classes == 1000
        name = model.replace("kw_", "kw1x_")
        assert plan_network(config).digest == plan_network(published(name)).digest


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "model None"),
        ({"model": "kw_resnet19"}, "Did you mean 'kw_resnet18'"),
        ({"model": ["kw_resnet18"]}, "model"),
        ({"model": "kw_resnet18", "cell_num_ration": 1}, "Did you mean 'cell_num_ratio'"),
        ({"model": "kw_resnet18", "cell_num_ratio": "1"}, "not a number"),
        ({"model": "kw_resnet18", "cell_num_ratio": True}, "not a number"),
        ({"model": "kw_resnet18", "cell_num_ratio": []}, "not a number"),
        ({"model": "kw_resnet18", "cell_num_ratio": 10**400}, "not a number"),
        ({"model": "kw_resnet18", "cell_num_ratio": float("nan")}, "cell_num_ratio"),
        ({"model": "kw_resnet18", "cell_num_ratio": -1}, "cell_num_ratio"),
        ({"model": "kw_resnet18", "cell_inplane_ratio": 2}, "cell_inplane_ratio"),
        ({"model": "kw_resnet18", "num_classes": 0}, "num_classes"),
        ({"model": "kw_resnet18", "num_classes": "ten"}, "num_classes"),
        ({"model": "kw_resnet18", "sharing_range": ["layers"]}, "Did you mean 'layer'"),
        ({"model": "kw_resnet18", "sharing_range": ["stage"]}, "'stage'"),
        ({"model": "kw_resnet18", "sharing_range": [""]}, "sharing_range"),
        ({"model": "kw_resnet18", "sharing_range": 3}, "not a list"),
    ],
)
def test_what_cannot_be_read_is_refused(mapping: dict[str, Any], message: str) -> None:
    """Unknown keys, models and values are named, with the nearest known one."""
    with pytest.raises(InputError, match=message):
        from_upstream(mapping)


def test_all_faults_are_named_at_once() -> None:
    """One error holds every fault of a mapping."""
    with pytest.raises(InputError) as caught:
        from_upstream({"model": "resnet", "reduktion": 1, "cell_num_ratio": "x"})
    assert all(word in caught.value.cause for word in ("'resnet'", "'reduktion'", "'x'"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cell_num_ratio": 0.3}, "0.3"),
        ({"cell_num_ratio": 1.5}, "1.5"),
        ({"backbone": "resnet20"}, "backbone 'resnet20'"),
        ({"in_channels": 1}, "3 channels"),
        ({"spatial_partition": False, "sharing_range": ()}, "spatial_partition"),
        ({"sharing_range": ("stage", "layer", "conv")}, "stages are never merged"),
        ({"backbone": "mobilenetv2-late"}, "fixes its settings"),
    ],
)
def test_what_upstream_cannot_express_is_refused(changes: dict[str, Any], reason: str) -> None:
    """The refusal names the setting."""
    with pytest.raises(InputError, match=reason):
        to_upstream(NetworkConfig(**{"backbone": "resnet18", **changes}))


def test_a_network_that_cannot_be_built_is_not_written() -> None:
    """Ratios that do not divide the channels are refused as such."""
    with pytest.raises(InfeasibleError):
        to_upstream(NetworkConfig(backbone="resnet18", cell_inplane_ratio=0.3))


def test_every_model_has_a_table() -> None:
    """Each backbone that a model stands for is shipped."""
    assert all(shipped(backbone).sites for backbone in (MODELS | FIXED_MODELS).values())
