"""Which plain networks a study measures, and that it does, whoever runs and kills it."""

import html
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from kwsearch import api, baselines, problems
from kwsearch.cli import app
from kwsearch.settings import from_plain, load_study
from search_spaces import InputError
from trials.records import Role, TrialState
from trials.store import open_store
from trials.store.check import check

STUDY = {
    "name": "small",
    "space": {
        "backbone": "resnet8x0.5",
        "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
    },
    "budget": {"max_params": 200_000},
    "proxy": {
        "data": "digits",
        "epochs": [1, 2],
        "batch_size": 512,
        "training_share": 0.2,
    },
    "search": {"trials": 2, "sampler": "random", "promotion": "none"},
    "execution": {"threads": 1},
}


@pytest.fixture(autouse=True)
def _elsewhere(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)


def settings(**changes):
    return from_plain(
        {**STUDY, **{key: STUDY.get(key, {}) | value for key, value in changes.items()}}
    )


def planned(**changes):
    """Role, name and seed of what a study would measure."""
    asked = settings(**changes)
    table = problems.backbone_for_planning(asked)
    found = baselines.planned(problems.problem(asked, table), "small", table)
    assert [one.number for one in found] == [*range(len(found))]
    assert all((one.params, one.macs) == (one.backbone.params, one.backbone.macs) for one in found)
    return [(one.role, one.network, one.seed) for one in found]


def names(**changes):
    return [name for _, name, seed in planned(**changes) if seed == 0]


def test_the_backbone_comes_first_then_other_widths_inside_the_budget():
    """From about the smallest network of the space to the widest that the budget holds."""
    found = planned()
    assert found[:3] == [(Role.PLAIN, "resnet8x0.5", seed) for seed in (0, 1, 2)]
    assert names() == ["resnet8x0.5", "resnet8x0.25", "resnet8", "resnet8x1.625"]
    assert {role for role, *_ in found[3:]} == {Role.WIDTH}
    assert len(found) == 12
    assert names(budget={"max_params": 80_000}) == ["resnet8x0.5", "resnet8x0.25", "resnet8"]
    assert names(budget={"min_params": 15_000})[1] == "resnet8"
    wide = problems.problem(settings(), problems.backbone_for_planning(settings()))
    for table in baselines.widths(wide, wide.space.backbone):
        assert table.params <= 200_000
        assert table.input_size == wide.space.backbone.input_size


def test_a_limit_of_macs_holds_for_other_widths_too():
    assert names(budget={"max_macs": 600_000})[1:] == ["resnet8x0.25", "resnet8x0.875"]


def test_named_networks_take_the_place_of_widths():
    named = {"networks": ["resnet14x0.25", "resnet8x0.5", "resnet14x0.25"], "seeds": 2}
    assert planned(baselines=named) == [
        (Role.PLAIN, "resnet8x0.5", 0),
        (Role.PLAIN, "resnet8x0.5", 1),
        (Role.NAMED, "resnet14x0.25", 0),
        (Role.NAMED, "resnet14x0.25", 1),
    ]
    assert names(baselines={"networks": []}) == ["resnet8x0.5"]


def test_seeds_follow_from_the_studys_and_none_measures_nothing():
    assert [seed for *_, seed in planned(search={"seed": 2**32 - 1}, baselines={"seeds": 2})][
        :2
    ] == [
        2**32 - 1,
        0,
    ]
    assert planned(baselines={"seeds": 0, "networks": ["resnet8"]}) == []


def test_networks_of_another_kind_have_no_widths():
    assert names(space={"backbone": "resnet18-small"}, budget={"max_params": 20_000_000}) == [
        "resnet18-small"
    ]


def test_trials_that_start_from_a_trained_network_are_not_compared_with_widths_from_scratch():
    assert names(proxy={"start": "plain"}) == ["resnet8x0.5"]


@pytest.mark.parametrize("name", ["resnet9", "no module:x", "resnet8x0"])
def test_a_name_that_is_no_network_is_refused(name, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(f'[space]\nbackbone = "resnet8"\n[baselines]\nnetworks = ["{name}"]\n')
    with pytest.raises(InputError, match=r"baselines\.networks"):
        load_study(path)


def test_a_named_network_of_timm_is_measured():
    """Its table is stored with it."""
    pytest.importorskip("timm")
    named = {"seeds": 1, "networks": ["timm.models:mobilenetv3_small_050"]}
    api.search(settings(baselines=named, proxy={"epochs": [1]}, search={"trials": 1}))
    rows = api.baselines("small")
    assert [row["network"] for row in rows] == ["resnet8x0.5", *named["networks"]]
    assert [row["state"] for row in rows] == ["complete", "complete"]
    assert rows[1]["params"] > 500_000


def measured(database=None):
    """Of every baseline: network, seed, state, and its curve without what clocks say."""
    with open_store(database, create=False, read_only=True) as store:
        curves = store.baseline_measurements("small")
        return [
            (
                one.baseline.network,
                one.baseline.seed,
                one.state,
                [(m.epoch, m.accuracy, m.loss) for n, m in curves if n == one.number],
            )
            for one in store.baselines("small")
        ]


def test_a_search_measures_them_first_and_says_what_they_come_to():
    told = []
    asked = settings(baselines={"seeds": 2, "networks": ["resnet8x0.25"]})
    api.search(asked, watch_baselines=told.append, watch=told.append)
    assert [type(one).__name__ for one in told] == ["BaselineProgress"] * 4 + ["SearchProgress"] * 2
    assert [one.finished for one in told[:4]] == [1, 2, 3, 4]
    found = measured()
    assert {state for _, _, state, _ in found} == {TrialState.COMPLETE}
    assert all([epoch for epoch, *_ in curve] == [1, 2] for *_, curve in found)
    assert found[0][3] != found[1][3]
    status = api.status("small")
    assert status["baselines"] == {"complete": 4}
    assert (status["complete"], status["waiting"]) == (2, 0)
    assert status["pays"] == api.pays("small")
    assert "over 2 seeds" in status["pays"]["sentence"]
    assert check("runs/kwsearch.db") == []
    front = api.front("small")
    assert front[0]["of_plain"] == front[0]["params"] / 19_074
    assert front[0]["gain_low"] < front[0]["gain"] < front[0]["gain_high"]
    said = status["pays"]["sentence"]
    assert {"fact": "pays", "a": said, "b": said} in api.compare("small", "small")
    folder = api.export("small", folder="out", trial=front[0]["trial"])
    assert said in (folder / "README.md").read_text(encoding="utf-8")
    assert html.escape(said) in api.report("small", output="out.html").read_text(encoding="utf-8")


def test_a_like_study_copies_them():
    """Without training any of them again."""
    asked = settings(baselines={"seeds": 1, "networks": []})
    api.search(asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trials.tasks.classification.plain.train_plain", pytest.fail)
        api.search(asked, name="again")
    with open_store(None, read_only=True) as store:
        first, again = (store.baselines(name)[0] for name in ("small", "again"))
    assert again.worker == "copied from study 'small', baseline 0"
    assert replace(
        again, baseline=first.baseline, worker=first.worker, finished_at=None
    ) == replace(first, finished_at=None)


def test_a_study_of_before_is_given_none_when_it_goes_on(monkeypatch):
    """Its settings have no such section."""
    asked = settings(baselines={"seeds": 0})
    api.search(asked)
    with open_store(None) as store:
        sql = "UPDATE kw_study SET settings = json_remove(settings, '$.baselines')"
        store.transactions.write(lambda c: c.exec_driver_sql(sql))
        assert "baselines" not in store.study("small").spec.settings
    monkeypatch.setattr("trials.tasks.classification.plain.train_plain", pytest.fail)
    assert api.resume("small", trials=3).finished == 3
    assert api.baselines("small") == []
    assert "measures no plain network" in api.pays("small")["sentence"]


def test_an_own_backbone_starts_where_trials_start():
    """From the same weights with the same learning rate; else it would have learnt less."""
    asked = settings(proxy={"start": "plain"}, baselines={"seeds": 1})
    api.search(asked)
    (plain,) = measured()
    api.search(settings(baselines={"seeds": 1, "networks": []}), name="scratch")
    with open_store(None, read_only=True) as store:
        scratch = store.baselines("scratch")[0]
    assert plain[3][0][1] >= scratch.accuracy  # an epoch more, from where the other one ended


def test_a_study_in_which_kernelwarehouse_loses_says_so():
    """Attention that begins random has learnt nothing in two epochs, which plain networks need."""
    asked = settings(
        space={"cell_num_ratio": [0.125, 0.25]},
        proxy={
            "attention_start": "temperature",
            "epochs": [2],
            "batch_size": 64,
            "training_share": 1.0,
            "validation_share": 0.4,
        },
        baselines={"networks": []},
    )
    api.search(asked)
    found = api.pays("small")
    assert found["verdict"] == "no"
    said = found["sentence"]
    assert said.startswith("KernelWarehouse does not pay here: at no more parameters than plain")
    assert "it loses" in said
    assert "no network of the front reaches its accuracy" in said
    assert found["plain"]["gain"]["high"] < -0.1
    assert found["plain"]["seeds"] == 3
    told = [CliRunner().invoke(app, [word, "small"]) for word in ("front", "status")]
    assert all(ended.exit_code == 0 and said in ended.output for ended in told)


def test_the_best_by_means_gains_what_the_front_says_of_it():
    """One spread between seeds enters both, that of all networks of the study."""
    api.search(settings(baselines={"seeds": 2, "networks": []}, search={"repeats": 2}))
    rows = api.front("small")
    assert {row["seeds"] for row in rows} == {2}
    best = api.best("small")
    assert best.pop("reported")
    assert best == rows[-1]
    assert rows[-1]["gain_low"] < rows[-1]["gain"] < rows[-1]["gain_high"]
