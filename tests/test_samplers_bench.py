"""The bake-off of samplers: its searches on a recorded table, and its figures."""

import importlib.util
import sys
from math import inf
from pathlib import Path

import pytest

from trials.table import read_table

ROOT = Path(__file__).parents[1]
SMALL = 12
"""Networks of the table that a test's searches choose from."""


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


samplers = loaded("samplers")


@pytest.fixture(scope="module")
def bench():
    whole = read_table(ROOT / "benchmarks" / "tables" / "kw_bench_digits.parquet")
    few = whole.of_seed(0)[:: max(len(whole.of_seed(0)) // SMALL, 1)][:SMALL]
    return samplers.Bench(type(whole)(whole.facts, few, whole.plain), 0)


@pytest.mark.parametrize("method", ["exact", "random", "one epoch for all"])
def test_a_search_that_trains_every_network_finds_all_that_the_table_holds(bench, method):
    steps = list(samplers.METHODS[method](bench, 0, 10_000))
    assert steps[-1][1] == pytest.approx(1.0)
    assert steps[-1][0] == SMALL * 9
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert steps == list(samplers.METHODS[method](bench, 0, 10_000))


def test_halving_spends_fewer_epochs_on_the_same_networks(bench):
    methods = ("exact", "exact, halved")
    whole, halved = (list(samplers.METHODS[one](bench, 0, 10_000)) for one in methods)
    assert len(whole) == len(halved) == SMALL
    assert halved[-1][0] < whole[-1][0]


def test_thawing_spends_no_more_than_it_may_and_is_the_same_each_time(bench):
    steps = list(samplers.METHODS["exact, thawed"](bench, 3, 45))
    assert 9 <= steps[-1][0] <= 45
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    assert steps == list(samplers.METHODS["exact, thawed"](bench, 3, 45))


def test_a_search_is_followed_until_nothing_is_left():
    steps = [(9, 0.5), (18, 1.0), (27, 1.0)]
    assert samplers.ended(iter(steps)) == steps[:2]
    assert samplers.ended(iter(steps[:1])) == steps[:1]


def test_epochs_until_a_share_are_those_of_the_first_step_that_has_it():
    steps = [(9, 0.5), (18, 0.96), (27, 0.96), (36, 1.0)]
    assert samplers.until(steps, 0.95) == 18
    assert samplers.until(steps, 0.99) == 36
    assert samplers.until(steps[:3], 0.99) == inf
    assert samplers.quartiles([9, 18, inf, 27, inf]) == [18, 27, inf]
    assert samplers.text([18, 27, inf]) == "27 (18 to -)"


def test_a_replay_charges_each_epoch_once_and_gains_by_whole_trainings_alone(bench):
    replay = samplers.Replay(bench)
    digest = min(bench.networks, key=lambda one: bench.networks[one][0])
    assert [replay.train(digest, epoch)[0] for epoch in (1, 3, 3)] == [1, 3, 3]
    assert replay.train(digest, 5) == (5, 0.0)
    spent, share = replay.train(digest, 9)
    assert spent == 9
    assert 0 < share < 1
    every = [replay.train(one, 9) for one in bench.networks]
    assert every[-1] == (9 * SMALL, pytest.approx(1.0))


@pytest.mark.parametrize(
    ("peer", "package", "epochs"), [("qlognehvi", "botorch", 99), ("mo_asha", "syne_tune", 15)]
)
def test_a_peer_trains_networks_of_the_table_alone(bench, peer, package, epochs, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    steps = list(samplers.by_peer(peer, bench, 0, epochs))
    assert steps == list(samplers.by_peer(peer, bench, 0, epochs))
    assert epochs <= steps[-1][0] < epochs + 9
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    assert shares[-1] > 0
