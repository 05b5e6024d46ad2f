"""Numbers and studies are taken in every form in which people give them."""

import json

import pytest
from typer.testing import CliRunner

import kwsearch
from kwsearch import api
from kwsearch.cli import app
from kwsearch.quantities import parse_share
from search_spaces import InputError, NetworkConfig
from search_spaces.sites import SHARING_RANGES


@pytest.fixture(autouse=True)
def here(at_study):
    """Every test asks the study ``small``."""


def run(*words):
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    ("written", "share"),
    [("65%", 0.65), ("65 %", 0.65), ("0.65", 0.65), (0.65, 0.65), ("100%", 1.0), (1, 1.0), (0, 0)],
)
def test_an_accuracy_is_read_as_a_share_or_in_per_cent(written, share):
    assert parse_share(written) == share


@pytest.mark.parametrize("written", ["65", 65, "101%", "-1%", -0.1, "nan", float("nan"), "x", ""])
def test_an_accuracy_that_could_mean_two_things_is_refused(written):
    with pytest.raises(InputError, match=r"0\.65"):
        parse_share(written)


def test_a_front_is_asked_in_per_cent():
    half = api.front("small", min_accuracy=0.75)
    assert 0 < len(half) < len(api.front("small"))
    assert api.front("small", min_accuracy="75%") == half
    assert json.loads(run("front", "small", "--min-accuracy", "75%", "--json").stdout) == half
    assert len(kwsearch.front("small", min_accuracy="75%")) == len(half)
    assert run("front", "small", "--min-accuracy", "65").exit_code == 2


def test_parameters_and_points_are_given_to_functions_as_to_commands(settings_of_small, tmp_path):
    whole = api.front("small")
    most = (whole[-1]["params"] - 1) // 10 * 10  # so that two digits behind the point are enough
    written = f"{most / 1000:.2f}k"
    members = api.front("small", max_params=most)
    assert 0 < len(members) < len(whole)
    assert api.front("small", max_params=written) == members
    assert members[-1].items() <= api.best("small", max_params=written).items()
    assert len(kwsearch.front("small", max_params=written)) == len(members)
    assert api.best("small", within="10%") == api.best("small", within=0.1)

    def plan(size):
        return api.plan(settings_of_small, params=size, number=2)

    assert plan("20k") == plan(20_000)
    exported = api.export("small", max_params=written, folder=tmp_path / "out")
    assert api.load(exported).plan.digest == members[-1]["digest"]
    for wrong in ("30 kilo", 0, -5):
        with pytest.raises(InputError):
            api.best("small", max_params=wrong)


def test_the_best_within_macs_is_the_best_of_all_trials_that_cost_no_more():
    done = [row for row in api.trials("small") if row["state"] == "complete"]
    limits = sorted(row["macs"] for row in done)
    for most in (limits[0], limits[len(limits) // 2], limits[-1]):
        wanted = max(
            (row for row in done if row["macs"] <= most),
            key=lambda row: (row["accuracy"], -row["params"], -row["trial"]),
        )
        assert api.best("small", max_macs=most)["trial"] == wanted["trial"]
        answer = run("best", "small", "--max-macs", str(most), "--json")
        assert json.loads(answer.stdout)["trial"] == wanted["trial"]
    few = api.front("small", max_macs=limits[len(limits) // 2])
    assert few[-1].items() <= api.best("small", max_macs=limits[len(limits) // 2]).items()
    least = few[-1]["accuracy"] - 0.1
    small = api.best("small", max_macs=limits[len(limits) // 2], within="10%")
    wanted = next(row for row in few if row["accuracy"] >= least)
    assert wanted.items() <= small.items()
    with pytest.raises(InputError, match="MACs"):
        api.best("small", max_macs="1k")


def test_a_study_may_be_a_plain_mapping(settings_of_small):
    read = api.settings(settings_of_small)
    assert read.budget.max_params == settings_of_small["budget"]["max_params"]
    assert api.settings(settings_of_small | {"budget": {"max_params": "60k"}}) == read
    with pytest.raises(InputError, match="budgte"):
        api.settings(settings_of_small | {"budgte": {}})


@pytest.mark.parametrize("word", SHARING_RANGES)
def test_a_configuration_takes_the_study_files_word_for_a_sharing_range(word):
    config = NetworkConfig(backbone="resnet8", sharing_range=word)
    assert config.sharing_range == SHARING_RANGES[word]
    assert NetworkConfig.from_json(config.to_json()) == config


def test_a_word_that_is_no_sharing_range_is_told_what_is():
    with pytest.raises(ValueError, match="Did you mean 'network'"):
        NetworkConfig(backbone="resnet8", sharing_range="networks")
