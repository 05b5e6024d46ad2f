"""Counting at once equals counting one by one, integer by integer."""

import json
import subprocess
import sys
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search_spaces import InfeasibleError, InputError, NetworkConfig, count
from search_spaces.backbones import shipped
from search_spaces.columns import floor_times
from search_spaces.config import RATIOS, Granularity
from search_spaces.counting import INFEASIBLE, count_configs, count_many
from search_spaces.published import PUBLISHED, published
from search_spaces.sites import SHARING_RANGES
from search_spaces.warehouse import exact

MULTIPLIER = st.one_of(
    st.sampled_from([0.125, 0.25, 0.3, 1 / 3, 0.5, 0.75, 1, 1.5, 2.7, 4]),
    st.floats(0.001, 50),
    st.integers(1, 9999).map(lambda n: n / 1000),
)
SHARE = st.one_of(st.sampled_from([0.025, 0.1, 0.25, 1 / 3, 0.5, 1.0]), st.floats(0.01, 1))
REDUCTION = st.one_of(st.sampled_from([0.03125, 0.0625, 0.1]), st.floats(0.001, 2))
BY_NAME = {
    "cell_num_ratio": MULTIPLIER,
    "cell_inplane_ratio": st.sampled_from([0.25, 0.5, 1.0]) | SHARE,
    "cell_outplane_ratio": st.sampled_from([0.25, 0.5, 1.0]) | SHARE,
    "reduction": REDUCTION,
    "nonlocal_basis_ratio": st.just(1.0) | SHARE,
}
MANY = 12
"""Parts from which on one value for the network is drawn, to keep examples small."""

BACKBONES = ("resnet8", "resnet18", "resnet50", "mobilenetv2-050-late", "convnext-tiny")


@st.composite
def configs(draw: st.DrawFn, backbone: str) -> NetworkConfig:
    """Configurations of every granularity, feasible or not."""
    table = shipped(backbone)
    sharing_range = draw(st.sampled_from(list(SHARING_RANGES.values())))
    warehouses = len({site.address.merged(sharing_range) for site in table.sites})
    kinds: list[tuple[Granularity, int]] = [
        ("network", 0),
        ("stage", len(table.stages)),
        ("warehouse", warehouses),
        ("warehouse", warehouses + 1),
    ]
    granularity, parts = draw(st.sampled_from(kinds))
    ratios: dict[str, Any] = {}
    for name, values in BY_NAME.items():
        split = parts > 0 and parts < MANY and draw(st.booleans())
        ratios[name] = draw(st.tuples(*[values] * parts) if split else values)
    return NetworkConfig(
        backbone=backbone,
        granularity=granularity,
        sharing_range=sharing_range,
        spatial_partition=draw(st.booleans()),
        **ratios,
    )


def one_by_one(config: NetworkConfig) -> tuple[int, int, bool]:
    """Parameters, MACs and feasibility by the plan."""
    try:
        size = count(config)
    except InfeasibleError:
        return INFEASIBLE, INFEASIBLE, False
    return size.params, size.macs, True


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_counts_at_once_equal_counts_one_by_one(data: st.DataObject) -> None:
    """Any mixture of configurations, in any order."""
    backbone = data.draw(st.sampled_from(BACKBONES))
    drawn = data.draw(st.lists(configs(backbone), min_size=1, max_size=6))
    counts = count_configs(drawn, shipped(backbone))
    rows = zip(counts.params.tolist(), counts.macs.tolist(), counts.feasible.tolist(), strict=True)
    assert list(rows) == [one_by_one(config) for config in drawn]


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_multipliers_of_any_size_are_exact(multipliers: list[float]) -> None:
    """Counts that leave 64 bits are Python's integers, and still exact."""
    table = shipped("resnet8")
    counts = count_many(table, {"cell_num_ratio": multipliers})
    expected = [count(NetworkConfig(backbone="resnet8", cell_num_ratio=b)) for b in multipliers]
    assert counts.params.tolist() == [size.params for size in expected]
    assert counts.macs.tolist() == [size.macs for size in expected]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(1e-9, 1e6), st.fractions(Fraction(1, 4096), 64).map(float)),
            st.integers(1, 4608),
        ),
        min_size=1,
        max_size=20,
    )
)
@example([(0.1, 10), (1 / 3, 3), (0.7, 10), (np.nextafter(0.5, 0), 2), (2.7, 10)])
@settings(max_examples=200, deadline=None)
def test_floors_are_those_of_the_fractions_meant(pairs: list[tuple[float, int]]) -> None:
    """Rounding never moves a product across an integer."""
    ratios, wholes = zip(*pairs, strict=True)
    expected = [floor(exact(float(ratio)) * whole) for ratio, whole in pairs]
    assert floor_times(np.array(ratios), np.array(wholes)).tolist() == expected


def test_published_networks_are_counted_at_once() -> None:
    """Vectors by warehouse and every published backbone."""
    for name in PUBLISHED:
        config = published(name)
        counts = count_configs([config], shipped(config.backbone))
        assert counts.params.tolist() == [count(config).params]
        assert counts.macs.tolist() == [count(config).macs]


def test_columns_left_out_keep_their_defaults() -> None:
    """No column at all is one row of defaults."""
    counts = count_many(shipped("resnet18"), {})
    assert counts.params.tolist() == [count(NetworkConfig(backbone="resnet18")).params]


def test_no_configurations_are_no_rows() -> None:
    """An empty list is counted too."""
    assert count_configs([], shipped("resnet8")).params.shape == (0,)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"cell_num": [1.0]}, "Did you mean 'cell_num_ratio'"),
        ({"cell_num_ratio": [1.0], "reduction": [0.1, 0.2]}, "shapes"),
        ({"cell_num_ratio": 1.0}, "shapes"),
        ({"cell_num_ratio": [0.0]}, "above 0"),
        ({"cell_num_ratio": [float("nan")]}, "above 0"),
        ({"cell_inplane_ratio": [1.5]}, "at most 1"),
        ({"cell_num_ratio": [[1.0, 2.0]]}, "granularity 'network'"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(columns: dict[str, Any], message: str) -> None:
    """The refusal names the column."""
    with pytest.raises(InputError, match=message):
        count_many(shipped("resnet18"), columns)


def test_infeasible_rows_are_marked_and_leave_the_others_alone() -> None:
    """A cell that does not divide the channels spoils its own row only."""
    counts = count_many(shipped("resnet18"), {"cell_inplane_ratio": [1.0, 0.3, 0.5]})
    assert counts.feasible.tolist() == [True, False, True]
    assert counts.params[1] == counts.macs[1] == INFEASIBLE
    assert counts.params[0] > 0


def test_every_ratio_is_a_column() -> None:
    """The strategies above cover every setting that a column can hold."""
    assert set(BY_NAME) == set(RATIOS)


def test_the_benchmark_reports_its_numbers() -> None:
    """The last line is JSON, and counting at once is the faster way."""
    script = Path(__file__).parents[2] / "benchmarks" / "count_configs.py"
    command = [sys.executable, str(script), "--rows", "2000", "--one-by-one", "50"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    numbers = json.loads(done.stdout.splitlines()[-1])
    assert numbers["configs_per_second_at_once"] > 3 * numbers["configs_per_second_one_by_one"]
    assert numbers["seconds_to_build_one_with_torch"] > 0
