"""Networks near the front are trained again when a search is over, whoever interrupts it."""

import html
import json

import pytest
from typer.testing import CliRunner

import kwsearch
from kwsearch import api
from kwsearch.cli import app
from kwsearch.settings import from_plain
from search_spaces import InputError
from trials.errors import InterruptedSearchError
from trials.records import Role, TrialState
from trials.repeats import near_front
from trials.store import open_store
from trials.store.check import check
from trials.store.merge import merge

STUDY = {
    "name": "small",
    "space": {"backbone": "resnet8x0.25", "cell_num_ratio": [0.25, 1.0, 2.0]},
    "proxy": {"data": "digits", "epochs": [1], "batch_size": 512, "training_share": 0.2},
    "baselines": {"seeds": 0},
    "search": {"trials": 3, "sampler": "random", "repeats": 3},
    "execution": {"threads": 1},
}


@pytest.fixture
def _elsewhere(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)


def run(*words):
    ended = CliRunner().invoke(app, [*words])
    assert ended.exit_code == 0, ended.output
    return ended


def trained():
    """By trial, the states of its repeats."""
    with open_store(None, read_only=True) as store:
        found = store.baselines("small")
    assert {one.baseline.role for one in found} <= {Role.REPEAT}
    return [(one.baseline.repeats.number, one.baseline.seed, one.state) for one in found]


@pytest.mark.usefixtures("_elsewhere")
def test_a_front_is_drawn_from_means_and_an_interruption_repeats_nothing(quick_path):
    """Interrupted after the first repeat, resumed, resumed again, merged."""
    seen = []

    def interrupt(progress):
        seen.append(progress.last.number)
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(InterruptedSearchError):
        api.search(from_plain(STUDY), watch_baselines=interrupt)
    before = trained()
    assert [state for *_, state in before].count(TrialState.COMPLETE) == 1
    api.resume("small")
    after = trained()
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert {state for *_, state in after} == {TrialState.COMPLETE}
    with open_store(None, read_only=True) as store:
        near = {one.number for one in near_front(store.trials("small"))}
        seeds = {record.number: record.trial.seed for record in store.trials("small")}
    assert {number for number, *_ in after} == near
    assert len(after) == 2 * len(near)
    assert all(seed != seeds[number] for number, seed, _ in after)
    api.resume("small")
    assert trained() == after
    assert check("runs/kwsearch.db", runs=quick_path / "runs") == []

    again, rows = api.repeats("small"), api.front("small")
    assert {one["trial"] for one in again["trials"]} == near
    assert all(row["accuracy_low"] < row["accuracy"] < row["accuracy_high"] for row in rows)
    assert [row["accuracy"] for row in rows] == sorted(row["accuracy"] for row in rows)
    assert again["sentence"] in run("front", "small").stderr
    surest = max(again["trials"], key=lambda one: one["accuracy_low"])
    assert json.loads(run("best", "small", "--sure", "--json").stdout)["trial"] == surest["trial"]
    exported = api.export("small", folder=quick_path / "sure", max_params=10**9, sure=True)
    assert json.loads((exported / "origin.json").read_text())["trial"] == surest["trial"]

    by_means(quick_path, again)
    merge(["runs/kwsearch.db"], into="other.db")
    assert api.repeats("small", database="other.db") == again
    assert check("other.db", runs=quick_path / "runs") == []


def by_means(folder, again):
    """Everything that shows a front or chooses from it does so by means."""
    rows = api.front("small")
    best = max(rows, key=lambda row: row["accuracy"])
    assert best.items() <= api.best("small").items()
    assert best["seeds"] == 3
    assert "Chosen by means" in run("best", "small").stderr
    assert [*kwsearch.front("small")["accuracy"]] == [row["accuracy"] for row in rows]
    status = api.status("small")
    assert (status["front"], status["best_accuracy"]) == (len(rows), best["accuracy"])
    facts = {row["fact"]: row["a"] for row in api.compare("small", "small")}
    assert facts["front_of"] == "means over 3 seeds"
    assert facts["best_accuracy"] == pytest.approx(best["accuracy"])
    exported = api.export("small", folder=folder / "best", max_params=10**9)
    origin = json.loads((exported / "origin.json").read_text())
    trained = next(one for one in again["trials"] if one["trial"] == best["trial"])
    assert origin["trial"] == best["trial"]
    assert origin["accuracy"] == trained["accuracies"][0]
    assert origin["repeats"]["accuracies"] == trained["accuracies"]
    card = (exported / "README.md").read_text(encoding="utf-8")
    assert again["sentence"] in card
    assert f"{best['accuracy']:.2%} in the mean" in card
    ladder = api.export_ladder("small", folder=folder / "sizes", sizes="1G")
    assert ladder[0]["trial"] == best["trial"]
    page = api.report("small", output=folder / "page.html").read_text(encoding="utf-8")
    assert html.escape(again["sentence"]) in page


@pytest.mark.usefixtures("_elsewhere")
def test_who_asks_for_the_surest_without_repeats_is_told():
    alone = {**STUDY, "search": {**STUDY["search"], "repeats": 1, "trials": 1}}
    api.search(from_plain(alone))
    assert trained() == []
    with pytest.raises(InputError, match="several seeds"):
        api.best("small", sure=True)
    assert api.repeats("small") == {"trials": [], "fallen": [], "sentence": None}
    assert api.front("small")[0]["seeds"] == 1
