"""Studies whose networks are timed; how long they take is made up."""

import json
import os
from math import log10

import pytest

from kwsearch import api, driving, frames
from kwsearch.problems import promotion_of
from kwsearch.quantities import parse_duration
from kwsearch.settings import from_plain, to_plain, to_toml
from reports.figures.front import front_info
from reports.figures.web import front_figure
from reports.page import render
from reports.summary import summarise
from search_spaces import Backbone, InputError, count
from search_spaces.errors import KwsearchError
from search_spaces.latency import Latency
from search_spaces.networks import timing
from trials.errors import NothingFeasibleError
from trials.records import Measurement, Refusal, TrialState
from trials.store import open_store
from trials.store.check import check

SMALL = {
    "name": "small",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
        "cell_outplane_ratio": [0.5, 1.0],
        "sharing_range": ["none", "stage"],
    },
    "budget": {"max_params": 60_000},
    "proxy": {"data": "digits", "epochs": [1, 2]},
    "baselines": {"seeds": 1},
    "search": {"trials": 12, "promotion": "none"},
}


def learn(job, report):
    """A made-up training: more parameters are better, with luck from the seed."""
    for epoch in (1, 2):
        accuracy = 0.15 * log10(job.params) + job.seed % 1000 / 5000
        report(Measurement(epoch, accuracy, 0.02, 1 - accuracy, 299, 1.0))


def quick(network, conditions):
    """A made-up latency, in milliseconds about the MACs in millions."""
    macs = network.macs if isinstance(network, Backbone) else count(network).macs
    median = macs * 1e-9 * conditions.batch
    return Latency(median, 0.9 * median, 1.1 * median, "a core")


@pytest.fixture
def at_made_up(tmp_path, monkeypatch):
    """A folder in which networks take and learn what is made up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    monkeypatch.setattr(timing, "measure_latency", quick)
    monkeypatch.setattr(timing, "hardware_of", lambda _: "a core")
    monkeypatch.setattr(driving, "measure", lambda *_: learn)


def settings(**sections):
    return from_plain({**SMALL, **sections})


def searched(**sections):
    with open_store("runs/kwsearch.db") as store:
        driving.drive(store, driving.create(store, settings(**sections)))


LIMITED = {"budget": {"max_params": 60_000, "max_latency": "0.15ms"}}


@pytest.mark.usefixtures("at_made_up")
def test_a_limit_on_latency_is_kept_and_told():
    """Trials are inside, what is not was counted, and tables, frames and pages have the column."""
    searched(**LIMITED)
    rows = api.trials("small")
    assert len(rows) == 12
    assert all(row["latency"] <= 0.15e-3 and row["hardware"] == "a core" for row in rows)
    assert api.status("small")["refused"]["over_latency"] > 0
    front = api.front("small", max_latency="0.1ms")
    assert front
    assert all(row["latency"] <= 1e-4 for row in front)
    assert api.best("small", max_latency=1e-4)["trial"] == front[-1]["trial"]
    assert frames.trials("small")["latency"].tolist() == [row["latency"] for row in rows]
    with open_store("runs/kwsearch.db", read_only=True) as store:
        summary = summarise(store, "small", promotion_of)
    page = render(summary)
    best = summary.front[-1].trial.latency
    assert f"{best.median * 1e3:.3g}\N{NO-BREAK SPACE}ms" in page
    assert '<button type="button" value="latency" aria-pressed="false">Latency</button>' in page
    assert "at most 0.15ms of latency" in page
    drawn = front_figure(front_info(summary, "latency"))["layout"]["xaxis"]
    assert drawn["tickformat"] == "~r"  # not "150m" of milliseconds
    assert check("runs/kwsearch.db") == []


@pytest.mark.usefixtures("at_made_up")
@pytest.mark.parametrize("cost", ["macs", "latency"])
def test_a_front_over_another_cost(cost):
    """Plain networks, sentences and the page are compared by it; the checker agrees."""
    searched(**LIMITED, objective={"cost": cost})
    rows = api.front("small")
    assert [row[cost] for row in rows] == sorted(row[cost] for row in rows)
    assert [row["accuracy"] for row in rows] == sorted(row["accuracy"] for row in rows)
    complete = [row for row in api.trials("small") if row["state"] == TrialState.COMPLETE]
    for row in complete:
        beaten = any(f[cost] <= row[cost] and f["accuracy"] >= row["accuracy"] for f in rows)
        assert beaten
    paid = api.pays("small")
    plain = paid["plain"]
    own = next(row for row in api.baselines("small") if row["role"] == "plain")
    assert plain["macs"] == own["macs"]
    assert rows[0]["of_plain"] == pytest.approx(rows[0][cost] / own[cost])
    assert {"macs": f"{own['macs']:,} MACs", "latency": " ms,"}[cost] in paid["sentence"]
    reference = api.status("small")["reference"]
    assert 0 < reference[f"smallest_{cost}"] < reference[cost]
    if cost == "latency":
        assert reference["latency"] == pytest.approx(0.15e-3)
    with open_store("runs/kwsearch.db", read_only=True) as store:
        page = render(summarise(store, "small", promotion_of))
    pressed = f'value="{cost}" aria-pressed="true"'
    assert pressed in page
    assert f'"cost": "{cost}"' in page or f'"cost":"{cost}"' in page
    facts = {row["fact"]: row["a"] for row in api.compare("small", "small")}
    assert facts["best_cost"] == pytest.approx(rows[-1][cost])
    assert check("runs/kwsearch.db") == []


@pytest.mark.usefixtures("at_made_up")
def test_a_study_is_not_gone_on_with_on_another_machine(monkeypatch):
    """Nothing of it is changed, and it goes on where it began."""
    with open_store("runs/kwsearch.db") as store:
        study = driving.create(store, settings(**LIMITED))
        monkeypatch.setattr(timing, "hardware_of", lambda _: "another core")
        with pytest.raises(InputError, match="measures latency on a core, and this machine has"):
            driving.drive(store, study)
        assert store.study("small") == study
        monkeypatch.setattr(timing, "hardware_of", lambda _: "a core")
        assert driving.drive(store, study).finished == 12


@pytest.mark.usefixtures("at_made_up")
def test_a_latency_that_nothing_keeps_is_refused_before_training():
    """The quickest network is named, with what it takes."""
    limits = {"max_params": 60_000, "max_latency": "1us"}
    with open_store("runs/kwsearch.db") as store:
        with pytest.raises(NothingFeasibleError, match=r"takes 0\.0\d+ ms on a core") as caught:
            driving.create(store, settings(budget=limits))
        assert "max_latency" in caught.value.cure
        assert store.studies() == []


@pytest.mark.usefixtures("at_made_up")
def test_a_study_over_parameters_is_stored_as_before():
    """No section more, and no latency anywhere in what is told of it."""
    searched()
    with open_store("runs/kwsearch.db", read_only=True) as store:
        stored = store.study("small").spec.settings
        page = render(summarise(store, "small", promotion_of))
    assert {"latency", "hardware"}.isdisjoint(stored)
    assert "cost" not in stored["objective"]
    assert "latency" not in json.dumps(api.trials("small") + api.front("small"))
    assert 'value="latency"' not in page
    assert "reference" in api.status("small")
    assert [*api.status("small")["reference"]] == ["smallest_params", "params", "accuracy"]


@pytest.mark.slow
@pytest.mark.timeout(900)  # a cluster of Ray's on a busy machine
def test_latencies_are_measured_by_the_driver_where_rays_workers_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    monkeypatch.setattr(timing, "measure_latency", quick)
    monkeypatch.setattr(timing, "hardware_of", lambda _: "a core")

    def told(_, report):
        """The process that trains stands in for the loss."""
        for epoch in (1, 2):
            report(Measurement(epoch, 0.5, 0.02, float(os.getpid()), 299, 1.0))

    monkeypatch.setattr(driving, "measure", lambda *_: told)
    execution = {"executor": "ray", "workers": 2, "threads": 1}
    searched(**LIMITED, execution=execution, search={**SMALL["search"], "trials": 4})
    with open_store("runs/kwsearch.db", read_only=True) as store:
        trials = store.trials("small")
        assert [t.state for t in trials] == [TrialState.COMPLETE] * 4
        for trial in trials:
            assert trial.trial.latency.nanoseconds == trial.trial.macs <= 150_000
        assert os.getpid() not in {trial.loss for trial in trials}
        assert store.study("small").refused[Refusal.OVER_LATENCY] > 0
        assert check(store) == []


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"objective": {"cost": "latency"}}, "needs the longest time"),
        ({"budget": {"max_latency": 20}}, "Write it like '20ms'"),
        ({"budget": {"max_latency": "20"}}, "not a time"),
        ({"budget": {"max_latency": "1ms", "min_latency": "2ms"}}, "above max_latency = 1ms"),
        (
            {
                "budget": {"max_latency": "1ms"},
                "objective": {"cost": "latency"},
                "search": {"sampler": "exact"},
            },
            "sampler = 'exact'",
        ),
        ({"objective": {"cost": "size"}}, "none of params, macs, latency"),
    ],
)
def test_settings_that_do_not_fit_are_refused(sections, said):
    with pytest.raises(KwsearchError, match=said):
        settings(**sections)


def test_a_sampler_that_must_know_costs_is_the_default_where_they_are_known():
    """A latency is known once it is measured: a limit on it may stand beside a known cost."""
    limited = settings(budget={"max_latency": "1ms"})
    assert (settings().search.sampler, limited.search.sampler) == ("exact", "exact")
    over_latency = settings(budget={"max_latency": "1ms"}, objective={"cost": "latency"})
    assert over_latency.search.sampler == "tpe"


def test_latency_settings_read_back_as_they_were():
    written = settings(
        budget={"max_latency": "20 ms"},
        latency={"runtime": "onnxruntime", "threads": 2},
        objective={"cost": "latency"},
    )
    assert from_plain(to_plain(written)) == written
    assert 'max_latency = "20 ms"' in to_toml(written)
    assert settings().conditions is None
    assert settings(budget={"max_latency": "1ms"}).conditions.runtime == "torch"
    assert settings(latency={"runtime": "torch"}).conditions is not None


@pytest.mark.parametrize(
    ("text", "seconds"), [("20ms", 0.02), ("350 us", 350e-6), ("0.5s", 0.5), (0.02, 0.02)]
)
def test_durations_are_read_with_their_unit(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["20", "0ms", "-1ms", "20 minutes", "1e3ms", "", 0, float("inf")])
def test_durations_without_a_unit_or_a_sense_are_refused(text):
    with pytest.raises(InputError) as caught:
        parse_duration(text)
    assert "20ms" in caught.value.cure
