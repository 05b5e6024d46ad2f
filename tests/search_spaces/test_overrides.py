"""A person's changes to a table keep what the network is, and never pass unseen."""

import json
from typing import Any

import pytest

from search_spaces import Backbone, InfeasibleError, InputError
from search_spaces.backbones import shipped
from search_spaces.overrides import matches, overridden

TABLE = shipped("resnet20", 10)


def test_excluded_layers_move_to_the_plain_part() -> None:
    """Parameters and MACs in total stay, the sites and the digest do not."""
    changed = overridden(TABLE, exclude=["layer1", "layer2.0.conv*"])
    assert (changed.params, changed.macs) == (TABLE.params, TABLE.macs)
    assert len(changed.sites) == len(TABLE.sites) - 8
    assert not any(site.name.startswith("layer1.") for site in changed.sites)
    assert changed.digest != TABLE.digest
    assert len(changed.plain_layers) == 8


def test_addresses_move_layers_between_warehouses() -> None:
    """One address changes; everything else is as it was."""
    changed = overridden(TABLE, addresses={"layer3.0.conv1": "stage2_layer9_conv0"})
    moved = [s for s, before in zip(changed.sites, TABLE.sites, strict=True) if s != before]
    assert [str(site.address) for site in moved] == ["stage2_layer9_conv0"]
    assert changed.digest != TABLE.digest


def test_without_changes_the_table_is_the_same() -> None:
    """And its digest with it."""
    assert overridden(TABLE) == TABLE


def test_a_changed_table_is_read_back() -> None:
    """Through JSON, as a study keeps it."""
    changed = overridden(TABLE, exclude=["layer1"])
    again = Backbone.from_dict(json.loads(json.dumps(changed.to_dict())))
    assert again == changed
    assert again.digest == changed.digest


def test_a_table_stored_without_reasons_is_read() -> None:
    """As studies of an earlier version keep it."""
    old = TABLE.to_dict()
    del old["plain_layers"]
    assert Backbone.from_dict(old) == TABLE


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"exclude": ["layer4"]}, "'layer4' meets no layer of the network. Did you mean"),
        ({"addresses": {"layer1.0.conv3": "stage0_conv0"}}, "Did you mean 'layer1.0.conv"),
        ({"addresses": {"layer1.0.conv1": "stage0"}}, "'stage0' is not an address"),
        (
            {"exclude": ["layer1"], "addresses": {"layer1.0.conv1": "stage0_conv0"}},
            "'layer1.0.conv1' is excluded by 'layer1' and given an address",
        ),
    ],
)
def test_changes_that_cannot_be_meant_are_refused(changes: dict[str, Any], part: str) -> None:
    """Value, rule and the nearest valid value."""
    with pytest.raises(InputError) as found:
        overridden(TABLE, **changes)
    assert part in found.value.cause
    assert found.value.cure


def test_a_table_with_nothing_left_is_refused() -> None:
    """With a sentence that names the network."""
    with pytest.raises(InfeasibleError, match="resnet20 has no layer that a warehouse can serve"):
        overridden(TABLE, exclude=["*"])


def test_a_pattern_meets_a_layer_and_everything_inside() -> None:
    """Whole parts of a path, never the beginning of one."""
    assert matches("stem.conv.0", "stem.*")
    assert matches("stem.conv.0", "stem")
    assert not matches("stem2.conv", "stem")
