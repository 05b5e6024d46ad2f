"""KW-Bench records what a search measures, once each, and goes on where it stopped."""

import importlib.util
import json
import sys
from itertools import islice, pairwise
from math import log
from pathlib import Path

import pytest

from kwsearch import api
from search_spaces import InputError
from trials.store import open_store
from trials.table import read_table

FILE = Path(__file__).parents[1] / "benchmarks" / "kw_bench.py"
STUDY = """
[space]
backbone = "resnet8x0.125"
cell_num_ratio = [0.5, 1.0]
sharing_range = ["none", "stage"]
[budget]
max_params = 60_000
[proxy]
data = "digits"
epochs = [1, 2]
validation_share = 0.4
batch_size = 64
[baselines]
seeds = 0
[search]
trials = 10
promotion = "none"
sampler = "random"
[execution]
threads = 1
"""


@pytest.fixture(scope="module")
def bench():
    """The script, as a module that its processes could import."""
    spec = importlib.util.spec_from_file_location("kw_bench", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kw_bench"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(bench, tmp_path, monkeypatch):
    """Calls the script in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    monkeypatch.setattr(bench, "WIDTHS", (2,))
    (tmp_path / "tiny.toml").write_text(STUDY)
    bench.study.cache_clear()
    bench.space_of.cache_clear()

    def call(*words):
        own = ["tiny.toml", "--results", "r.jsonl", "--table", "t.parquet", "--seeds", "0"]
        monkeypatch.setattr(sys, "argv", ["kw_bench.py", *own, *words])
        bench.main()

    return call


def rows():
    return [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()[1:]]


def test_a_table_has_what_a_search_of_that_seed_measures(run):
    """Interrupted, torn and continued from the packed table, every training is recorded once."""
    run("--most", "2")
    with Path("r.jsonl").open("a") as file:
        file.write('{"digest": "torn')
    run("--most", "1")
    assert len(rows()) == 3
    assert rows()[0]["plain"] == "resnet8x0.125"
    run("--pack")
    Path("r.jsonl").unlink()
    run()
    run("--pack")
    run()
    table = read_table("t.parquet")
    assert table.facts.networks == len(table.candidates) == len(rows()) + 2
    assert [one.name for one in table.plain] == ["resnet8x0.125"]

    api.search("tiny.toml", database="real.db")
    with open_store("real.db") as store:
        trials = {one.trial.digest: one.number for one in store.trials("tiny")}
        assert trials.keys() == {one.digest for one in table.candidates}
        for one in table.candidates:
            measured = store.measurements("tiny", trials[one.digest])
            curve = one.curves[0]
            assert [(m.epoch, m.accuracy, m.loss, m.images) for _, m in measured] == [
                (m.epoch, m.accuracy, m.loss, m.images) for m in curve
            ]


def test_results_of_another_study_are_refused(run):
    run("--most", "0")
    Path("tiny.toml").write_text(STUDY.replace("batch_size = 64", "batch_size = 32"))
    sys.modules["kw_bench"].study.cache_clear()
    with pytest.raises(InputError, match="recorded by another study"):
        run("--most", "1")


def test_the_kept_table_can_be_gone_on_with(bench, tmp_path, monkeypatch):
    """Settings that came after its recording do not make it another study's."""
    study, copied = FILE.with_name("kw_bench_digits.toml"), tmp_path / "table.parquet"
    kept = FILE.parent / "tables" / "kw_bench_digits.parquet"
    copied.write_bytes(kept.read_bytes())
    own = [str(study), "--results", str(tmp_path / "r.jsonl"), "--table", str(copied)]
    monkeypatch.setattr(sys, "argv", ["kw_bench.py", *own, "--pack"])
    bench.main()
    assert read_table(copied).candidates == read_table(kept).candidates


def test_any_beginning_of_the_order_is_spread_over_the_logarithm_of_sizes(bench):
    """After n points of the sequence no gap is wider than two of n even ones."""
    sizes = [round(1000 * 1.01**place) for place in range(500)]
    order = bench.spread(sizes)
    assert sorted(order) == [*range(500)]
    width = log(sizes[-1] / sizes[0])
    for number in (5, 17, 65, 250):
        logs = sorted(log(sizes[place]) for place in order[:number])
        assert logs[0] == log(sizes[0])
        assert logs[-1] == log(sizes[-1])
        widest = max(after - before for before, after in pairwise(logs))
        assert widest <= 2 * width / (number - 1) + log(1.011) * 2


def test_the_sequence_halves_and_halves_again(bench):
    assert [*islice(bench.van_der_corput(), 7)] == [0, 1, 1 / 2, 1 / 4, 3 / 4, 1 / 8, 5 / 8]
