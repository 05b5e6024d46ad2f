"""Shipped spaces hold the published networks, and reach the published sizes."""

import pytest

from kwsearch import api
from kwsearch.presets import PRESETS
from kwsearch.problems import backbone_for_planning, problem
from search_spaces import plan_network
from search_spaces.config import RATIOS, NetworkConfig
from search_spaces.published import KNOWN, published
from search_spaces.reference import reference_rows
from search_spaces.sites import SHARING_RANGES
from search_spaces.space import Space

OUTSIDE = {"kw1d2x_mobilenetv2_100", "kw1d2x_mobilenetv2_050"}
"""They serve the late sites, with ratios of their own for each warehouse; a space has one value for
the network or one a stage."""

SPACES = ("resnet18", "resnet50", "mobilenetv2", "mobilenetv2-050", "convnext-tiny", "deit-tiny")


def found_in(space: Space, config: NetworkConfig) -> bool:
    """Whether some point of the space builds the network of ``config``."""
    wanted = plan_network(config, space.backbone).digest
    for sharing in SHARING_RANGES:
        values = {
            name: sharing if name == "sharing_range" else getattr(config, name.partition(".")[0])
            for name in space.dimensions
        }
        if sharing in tuple(space.choices["sharing_range"]):
            decoded = space.decode(values)
            if plan_network(decoded, space.backbone).digest == wanted:
                return True
    return False


@pytest.mark.parametrize("name", sorted(set(KNOWN) - OUTSIDE))
def test_published_networks_lie_in_their_space(name: str) -> None:
    """As a point of it, inside its budget."""
    config = published(name)
    settings = PRESETS[config.backbone]()
    asked = problem(settings, backbone_for_planning(settings))
    assert found_in(asked.space, config)
    size = asked.space.backbone
    assert size.num_classes == 1000
    row = next(r for r in reference_rows(config.backbone) if r.name == name)
    assert settings.budget.min_params <= row.params <= settings.budget.max_params


@pytest.mark.parametrize("name", sorted(OUTSIDE))
def test_two_published_networks_are_outside_every_space(name: str) -> None:
    """For the reasons told at `OUTSIDE`."""
    config = published(name)
    assert config.granularity == "warehouse"
    assert config.backbone not in PRESETS
    assert any(isinstance(getattr(config, ratio), tuple) for ratio in RATIOS)


@pytest.mark.parametrize("share", [0.3645, 0.6510])
def test_the_published_reductions_are_planned_for(share: float) -> None:
    """Below the 11.69M of ResNet-18, to half a percent."""
    wanted = round(11_689_512 * (1 - share))
    rows = api.plan("resnet18", params=wanted, number=3)
    assert len(rows) == 3
    assert all(abs(row["relative"]) <= 0.005 for row in rows)
    assert all(abs(row["params"] / wanted - 1) <= 0.005 for row in rows)


@pytest.mark.parametrize("name", SPACES)
def test_published_results_stand_beside_ones_own(name: str) -> None:
    """Marked as full training, with all keys of the rows beside them, and only if asked for."""
    bare = api.plan(name, number=1)
    rows = api.plan(name, number=1, references=True)
    own, known = rows[:1], rows[1:]
    assert [{key: row[key] for key in bare[0]} for row in own] == bare
    assert [row["published"] for row in known] == [r.name for r in reference_rows(name)]
    assert all("full training on ImageNet" in row["training"] for row in known)
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}


def test_a_count_has_published_results_under_a_key_of_their_own() -> None:
    """The published size of the counted network is among them."""
    row = api.count("kw1d2x_resnet18")
    sizes = {known["published"]: known["params"] for known in row["published"]}
    assert sizes["kw1d2x_resnet18"] == row["params"]
    assert "published" not in api.count(NetworkConfig(backbone="resnet20"))
