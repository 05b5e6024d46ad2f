"""A simulated search decides as a real one, measures what the table holds, and writes nothing."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kwsearch import api, driving
from kwsearch.cli import app
from kwsearch.problems import backbone_for_planning, problem
from kwsearch.settings import from_plain, to_plain, to_toml
from kwsearch.tasks import recipe_of
from search_spaces import InputError
from search_spaces.choices import FloatRange, Options
from search_spaces.finite import Snapped, members
from trials.area import Area, Point
from trials.records import Measurement, Verdict
from trials.shares import standard_error
from trials.store import open_store
from trials.table import Facts, Table, read_table, write_table
from trials.table.parquet import candidate

STUDY = {
    "name": "listed",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": [0.125, 0.25, 0.5, 1.0, 2.0, 4.0],
        "cell_outplane_ratio": [0.5, 1.0],
        "sharing_range": ["none", "stage"],
    },
    "budget": {"max_params": 60_000},
    "proxy": {"data": "digits", "epochs": [1, 2, 4]},
    "baselines": {"seeds": 0},
    "search": {"trials": 12, "eta": 2.0},
}
EVERY_EPOCH = {**STUDY["proxy"], "epochs": [1, 2, 3, 4]}


def curve(digest, seed):
    """A made-up training, by digest and seed."""
    luck = int(digest[:6], 16) / 16**6 * 0.2 + 0.01 * seed
    made = []
    for epoch in range(1, 5):
        right = round(299 * (0.4 + luck + 0.1 * epoch / 4))
        error = standard_error(right / 299, 299)
        made.append(Measurement(epoch, right / 299, error, 1 - right / 299, 299, 0.5 * epoch))
    return tuple(made)


def recorded(*, seeds=(0, 1), every=1):
    """A table of the study's space: each network, or one of so many."""
    settings = from_plain({**STUDY, "proxy": EVERY_EPOCH})
    backbone = backbone_for_planning(settings)
    asked = problem(settings, backbone)
    found = members(asked.space, asked.limits)
    own = [
        candidate(one.config, backbone, {seed: curve(one.digest, seed) for seed in seeds})
        for one in found[::every]
    ]
    facts = Facts(
        study=to_plain(settings),
        backbone=backbone,
        recipe=recipe_of(settings, asked.ladder).model_dump(mode="json"),
        images="0" * 64,
        training=1,
        area=Area(min(one.params for one in found), 60_000, 0.1),
        networks=len(found),
        failed=0,
        made_with={},
    )
    ordered = sorted(own, key=lambda one: (one.params, one.digest))
    return Table(facts, tuple(ordered), ())


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The table of all networks, beside an empty folder that is the current one."""
    write_table(recorded(), tmp_path / "table.parquet")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    return tmp_path / "table.parquet"


def changed(**sections):
    plain = deepcopy(STUDY)
    for section, values in sections.items():
        plain[section] |= values
    return plain


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_it_decides_as_a_search_that_measures_the_same(file, tmp_path, monkeypatch, sampler):
    """A search whose trainings are looked up in the table has the same front and history."""
    study, table = changed(search={"sampler": sampler}), read_table(file)

    def measure(trial, report):
        for measured in table.by_digest[trial.digest].curves[0]:
            if measured.epoch in (1, 2, 4) and report(measured) is Verdict.STOP:
                return

    simulated = api.simulate(study, file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(driving, "measure", lambda *_: measure)
    heard = []
    with open_store(str(tmp_path / "real.db")) as store:
        created = driving.create(store, from_plain(study))
        driving.drive(store, created, watch=lambda progress: heard.append(progress.hypervolume))
        front = store.front("listed")
    assert [row["hypervolume"] for row in simulated["history"]] == heard
    assert [(row["trial"], row["digest"], row["accuracy"]) for row in simulated["front"]] == [
        (one.number, one.trial.digest, one.accuracy) for one in front
    ]
    assert 0 < simulated["stopped"] < 12


@pytest.mark.parametrize("workers", [1, 5])
def test_the_same_study_twice_is_the_same_search(file, workers):
    one, other = (api.simulate(STUDY, file, workers=workers) for _ in range(2))
    assert one == other
    assert one["trials"] == 12


def test_the_kept_table_answers_after_the_recipe_has_new_settings():
    kept = Path(__file__).parents[2] / "benchmarks" / "tables" / "kw_bench_digits.parquet"
    found = api.simulate("quickstart", kept)
    assert found["trials"] == 24


def test_more_workers_need_less_virtual_time(file):
    alone = api.simulate(changed(search={"promotion": "none"}), file)
    together = api.simulate(changed(search={"promotion": "none"}), file, workers=4)
    assert alone["seconds"] == 12 * 2.0
    assert together["seconds"] == 3 * 2.0


def test_the_front_has_the_measurements_of_the_table(file):
    found, table = api.simulate(STUDY, file), read_table(file)
    for row in found["front"]:
        one = table.by_digest[row["digest"]]
        assert (row["params"], row["accuracy"]) == (one.params, one.curves[0][-1].accuracy)
    area = Area(table.facts.area.low, 60_000, 0.1)
    points = [Point.of(row["params"], row["accuracy"], row["trial"]) for row in found["front"]]
    assert found["hypervolume"] == area.hypervolume(points)
    assert found["share"] == found["hypervolume"] / found["best_hypervolume"] <= 1
    assert found["epochs"] == found["history"][-1]["epochs"]


def test_all_networks_have_the_best_hypervolume_of_the_table(file):
    whole = changed(search={"promotion": "none", "sampler": "random"})
    found = api.simulate(whole, file, trials=1000)
    assert found["trials"] == found["networks"] == len(read_table(file).candidates)
    assert found["share"] == 1
    assert found["epochs"] == 4 * found["trials"]


def test_networks_that_are_not_recorded_are_turned_down_and_counted(file):
    part = recorded(every=2)
    write_table(part, file)
    found = api.simulate(changed(search={"sampler": "tpe", "promotion": "none"}), file)
    assert {row["digest"] for row in found["front"]} <= set(part.by_digest)
    assert found["trials"] == len(part.candidates)
    assert found["refused"]["unrecorded"] > 0
    assert found["refused"]["infeasible"] == 0
    said = f"not recorded: {found['refused']['unrecorded']:,} proposals"
    assert any(said in remark for remark in found["remarks"])
    assert found["missing"] == part.facts.networks - len(part.candidates)


def test_a_sampler_that_lists_networks_proposes_recorded_ones_alone(file):
    """It is told what is not recorded, and given the values instead of the ranges."""
    part = recorded(every=2)
    write_table(part, file)
    ranged = {"cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True}}
    study = changed(search={"sampler": "exact", "promotion": "none"}, space=ranged)
    found = api.simulate(study, file, trials=len(part.candidates))
    assert found["trials"] == len(part.candidates)
    assert found["share"] == 1
    assert found["refused"]["unrecorded"] == 0  # nor of the networks that it begins with


def test_numbers_of_a_range_are_read_as_the_nearest_recorded_value(file):
    study = changed(space={"cell_num_ratio": {"low": 0.125, "high": 2.0, "log": True}})
    found = api.simulate(study, file)
    assert {row["config"]["cell_num_ratio"] for row in found["front"]} <= {
        0.125, 0.25, 0.5, 1.0, 2.0,
    }  # fmt: skip
    assert found["refused"]["unrecorded"] == 0
    assert any("nearest of the 5 recorded values" in remark for remark in found["remarks"])


def test_nearest_is_meant_in_the_logarithm_where_the_range_is_logarithmic():
    backbone = backbone_for_planning(from_plain(STUDY))
    for log, wanted in ((True, 2.0), (False, 1.0)):
        space = Snapped(
            backbone,
            {"cell_num_ratio": FloatRange(0.5, 2.0, log)},
            listed={"cell_num_ratio": (1.0, 2.0)},
        )
        assert space.decode({"cell_num_ratio": 1.45}).cell_num_ratio == wanted
        assert space.lists().choices["cell_num_ratio"] == Options((1.0, 2.0))


def test_another_seed_searches_otherwise_in_the_same_measurements(file):
    study = changed(search={"sampler": "tpe"})  # exact finds all that this small table has at once
    found = [api.simulate(study, file, seed=seed) for seed in (0, 7)]
    assert [one["measured_seed"] for one in found] == [0, 0]
    assert found[0]["best_hypervolume"] == found[1]["best_hypervolume"]
    assert found[0]["history"] != found[1]["history"]


def test_a_study_of_a_recorded_seed_has_its_measurements(file):
    table = read_table(file)
    found = api.simulate(changed(search={"seed": 1}), file)
    assert found["measured_seed"] == 1
    for row in found["front"]:
        assert row["accuracy"] == table.by_digest[row["digest"]].curves[1][-1].accuracy


def test_that_a_seed_is_not_recorded_is_said(file):
    found = api.simulate(changed(search={"seed": 5}), file)
    assert found["measured_seed"] == 0
    assert "It holds none of the study's seed 5." in found["remarks"]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"proxy": {"learning_rate": 0.2}}, "learning_rate is 0.2, not 0.1"),
        ({"proxy": {"epochs": [1, 3]}}, "epochs of the recipe is 3, not 4"),
        ({"space": {"backbone": "resnet8"}}, "the backbone is not resnet8x0.25 for images of 8 x"),
        ({"space": {"granularity": "stage"}}, "granularity is 'stage'"),
        ({"space": {"cell_num_ratio": {"low": 5.0, "high": 6.0}}}, "cell_num_ratio goes from 5"),
        ({"budget": {"max_params": 1_500}}, "holds no network of this study's space and budget"),
        ({"search": {"accuracy_floor": 0.95}}, "more accurate than 0.95"),
    ],
)
def test_a_study_that_the_table_cannot_answer_is_refused(file, sections, said):
    with pytest.raises(InputError) as caught:
        api.simulate(changed(**sections), file)
    assert said in caught.value.cause


def test_a_setting_without_effect_makes_no_other_training(file):
    """What tells is the identity: nothing starts from what `start_learning_rate` is for."""
    sections = {"proxy": {**STUDY["proxy"], "start_learning_rate": 0.05}}
    assert api.simulate({**STUDY, **sections}, file)["front"]


def test_a_table_of_no_training_is_refused(file):
    write_table(recorded(seeds=()), file)
    with pytest.raises(InputError, match="holds no network"):
        api.simulate(STUDY, file)


def test_nothing_is_written(file):
    before = file.read_bytes()
    api.simulate(STUDY, file)
    assert [*file.parent.joinpath("empty").iterdir()] == []
    assert file.read_bytes() == before


def test_the_command_prints_front_history_and_share(file):
    path = file.parent / "listed.toml"
    path.write_text(api.init("quickstart").replace("epochs = [3, 9]", "epochs = [1]"))
    ended = CliRunner().invoke(app, ["simulate", str(path), "--table", str(file)])
    assert ended.exit_code == 2
    assert "recorded by another training" in ended.stderr
    path.write_text(to_toml(from_plain(STUDY)))
    words = ["simulate", str(path), "--table", str(file)]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0
    assert "hypervolume" in ended.stdout
    assert "that the table holds" in ended.stderr
    told = json.loads(CliRunner().invoke(app, [*words, "--json", "--workers", "3"]).stdout)
    assert told["workers"] == 3
    assert told["history"][-1]["share"] == told["share"]
    rows = [line.split() for line in ended.stdout.splitlines() if line.strip()]
    alone = api.simulate(STUDY, file)
    assert rows[-1][:2] == ["12", str(alone["epochs"])]


def test_a_torn_table_ends_the_command_with_7(file):
    file.write_bytes(file.read_bytes()[:-50])
    ended = CliRunner().invoke(app, ["simulate", "quickstart", "--table", str(file)])
    assert ended.exit_code == 7
    assert "cannot be read as Parquet" in ended.stderr


def test_facts_of_another_space_do_not_reach_the_search(file):
    """A table that lists fewer values than it holds answers for those alone."""
    table = recorded()
    study = deepcopy(dict(table.facts.study))
    study["space"]["cell_num_ratio"] = [0.5, 1.0]
    write_table(replace(table, facts=replace(table.facts, study=study)), file)
    ranged = changed(space={"cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True}})
    found = api.simulate(ranged, file, trials=100)
    assert {row["config"]["cell_num_ratio"] for row in found["front"]} <= {0.5, 1.0}
