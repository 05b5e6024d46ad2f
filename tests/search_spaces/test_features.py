"""Features of a plan: closed forms on small networks, and what they tell apart."""

from math import exp, log

import pytest

from search_spaces import NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.config import SHARING_RANGES
from search_spaces.features import features

TABLE = shipped("resnet8x0.5", 10, 1, (8, 8))
"""Sites by stage: 8->8, 8->8 and 8->16; 16->16 and 16->32; 32->32; all 3 x 3."""


def config(**changes):
    return NetworkConfig(backbone=TABLE.name, num_classes=10, in_channels=1, **changes)


def test_of_a_warehouse_a_layer_with_whole_cells():
    """Each site of b = 1 has nine mixtures, and cells of its own channels."""
    own = config(sharing_range=SHARING_RANGES["none"])
    found = features(plan_network(own, TABLE))
    size = count(own, TABLE)
    assert exp(found["log_params"]) == pytest.approx(size.params)
    assert exp(found["log_macs"]) == pytest.approx(size.macs)
    assert found["attention_share"] == size.attention_params / size.params
    for stage in TABLE.stages:
        assert found[f"log_cells.{stage}"] == pytest.approx(log(9))
        assert found[f"log_mixtures.{stage}"] == pytest.approx(log(9))
        assert found[f"log_warehouse_mixtures.{stage}"] == pytest.approx(log(9))
        assert found[f"log_sites.{stage}"] == 0
        assert found[f"log_hidden.{stage}"] == pytest.approx(log(16))
    outs = (log(8) + log(8) + log(16)) / 3, (log(16) + log(32)) / 2, log(32)
    assert [found[f"log_cell_out.{s}"] for s in TABLE.stages] == pytest.approx(outs)


def test_of_one_warehouse_for_all():
    """Six sites share cells of 8 x 8 channels: mixtures are 9 times blocks."""
    found = features(plan_network(config(sharing_range=SHARING_RANGES["network"]), TABLE))
    blocks = (1 + 1 + 2) + (4 + 8) + 16
    for stage in TABLE.stages:
        assert found[f"log_sites.{stage}"] == pytest.approx(log(6))
        assert found[f"log_cells.{stage}"] == pytest.approx(log(9 * blocks))
        assert found[f"log_cell_in.{stage}"] == pytest.approx(log(8))
    assert found["log_mixtures.stage2"] == pytest.approx(log(9 * 16))


def test_names_stand_in_one_order_for_a_backbone():
    one = features(plan_network(config(), TABLE))
    other = features(plan_network(config(cell_num_ratio=0.5, cell_inplane_ratio=0.5), TABLE))
    assert [*one] == [*other]
    assert one != other
