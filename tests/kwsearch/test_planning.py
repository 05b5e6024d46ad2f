"""A plan tells what a space cannot reach, and what to write so that it can."""

import re
import tomllib

import pytest
from typer.testing import CliRunner

from kwsearch import api
from kwsearch.cli import app
from search_spaces.backbones import shipped
from search_spaces.choices import Options
from search_spaces.networks.named import named_network
from search_spaces.shrinking import outweighed
from search_spaces.space import Space
from trials.errors import NothingFeasibleError

DEPTHWISE = {
    "name": "wide",
    "space": {"backbone": "mobilenetv2-050", "cell_num_ratio": [0.5, 1.0]},
    "proxy": {"data": "cifar10", "epochs": [1]},
}


def refusal(study, size):
    with pytest.raises(NothingFeasibleError) as caught:
        api.plan(study, params=size, number=4)
    return caught.value


def told_size(error):
    return int(re.search(r"has ([\d,]+)\.", error.cause)[1].replace(",", ""))


def test_a_size_below_all_others_ends_with_6_and_the_smallest():
    ended = CliRunner().invoke(app, ["plan", "quickstart", "--params", "1k"])
    assert ended.exit_code == 6
    assert ended.stdout == ""
    smallest = told_size(refusal("quickstart", 1_000))
    assert f"{smallest:,}" in ended.stderr
    assert smallest <= min(row["params"] for row in api.plan("quickstart", number=50))


def test_a_size_above_all_others_ends_with_the_largest():
    error = refusal("quickstart", "5M")
    assert told_size(error) <= 200_000
    assert "max_params" in error.cure


def test_layers_that_cost_most_are_named_with_the_key_that_mends_it():
    error = refusal(DEPTHWISE, "100k")
    found = re.search(r"(exclude = \[.*?\]) in \[space\]", error.cure)
    key = tomllib.loads(found[1])
    mended = DEPTHWISE | {"space": DEPTHWISE["space"] | key}
    assert told_size(refusal(mended, "100k")) < told_size(error)


def test_attention_outweighs_a_layer_where_it_has_more_parameters():
    table = shipped("mobilenetv2-050", 10, 3, (32, 32))
    config = Space(table, {"cell_num_ratio": Options((1.0,))}).decode({})
    weights = {site.name: site.weight_params for site in table.sites}
    found = outweighed(config, table)
    assert found
    assert all(attention > weight == weights[name] for name, attention, weight in found)
    excess = [attention - weight for _, attention, weight in found]
    assert excess == sorted(excess, reverse=True)


def test_a_gap_between_two_sizes_is_told(tmp_path):
    (tmp_path / "few.toml").write_text(
        '[space]\nbackbone = "resnet8"\ncell_num_ratio = [0.25, 4.0]\n[proxy]\ndata = "digits"\n'
    )
    ended = CliRunner().invoke(app, ["plan", str(tmp_path / "few.toml"), "--params", "100k"])
    assert ended.exit_code == 0
    assert re.search(r"The nearest configuration is \d+% from 100,000 parameters", ended.stderr)


def test_a_network_of_few_parameters_is_planned_below_its_plain_size():
    """Mostly depthwise and squeezed, so that attention would outweigh all that cells save."""
    study = {
        "name": "narrow",
        "space": {
            "backbone": "timm.models:mobilenetv3_small_050",
            "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
            "sharing_range": ["layer", "network"],
        },
        "proxy": {"data": "digits", "image_size": 64, "channels": 3},
    }
    plain = named_network("timm.models:mobilenetv3_small_050", num_classes=10, in_channels=3)
    params = sum(p.numel() for p in plain.parameters())
    wanted = round(0.98 * params)
    rows = api.plan(study, params=wanted, number=1)
    assert rows[0]["params"] < params
    assert abs(rows[0]["relative"]) < 0.02
    assert "exclude = [" in refusal(study, "400k").cure
