"""A study keeps the identity of what measures it, and is known by it."""

from dataclasses import replace

import pytest

from kwsearch import driving, problems, seeding, tasks
from kwsearch.comparing import compare
from kwsearch.exporting.contents import is_own
from kwsearch.settings import from_plain, to_plain
from trials.store import open_store
from trials.store.merge import merge
from trials.tasks.classification import VERSION
from trials.tasks.contract import IDENTITY, is_same, measure_of

STUDY = {
    "name": "one",
    "space": {"backbone": "resnet8x0.25", "cell_num_ratio": [0.5, 1.0]},
    "baselines": {"seeds": 0},
    "proxy": {"data": "digits", "epochs": [1, 2], "start_learning_rate": 0.01},
    "search": {"trials": 2},
}


@pytest.fixture(autouse=True)
def _elsewhere(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)


def created(store, name, **sections):
    plain = {**STUDY, "name": name}
    for section, values in sections.items():
        plain[section] = plain.get(section, {}) | values
    return driving.create(store, from_plain(plain))


def test_a_new_study_keeps_the_identity_of_the_task_that_measures_it():
    with open_store("a.db") as store:
        study = created(store, "one")
        settings = problems.settings_of(study)
        asked = problems.problem(settings, study.spec.backbone)
        task = tasks.measure(settings, study, asked.ladder)
    assert study.spec.settings[IDENTITY] == task.identity
    assert (task.shapes.input, task.shapes.outputs) == ((1, 8, 8), 10)
    assert task.qualities[0].name == "accuracy"
    assert task.trials.identity == task.plain.identity != task.identity


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"search": {"trials": 3, "sampler": "random", "eta": 2.0}}, []),
        ({"execution": {"threads": 2}}, []),
        ({"proxy": {"start_learning_rate": 0.02}}, []),  # nothing starts from a trained network
        ({"proxy": {"batch_size": 16}}, ["proxy.batch_size"]),
        ({"proxy": {"epochs": [1, 3]}}, ["proxy.epochs"]),
        ({"proxy": {"dtype": "bfloat16"}}, ["proxy.dtype"]),
        ({"search": {"seed": 1}}, ["seed"]),
        ({"execution": {"gpus_per_trial": 1.0}}, ["device"]),
    ],
)
def test_one_identity_says_whether_studies_are_copied_from_compared_and_merged(change, names):
    with open_store("a.db") as store:
        one, other = created(store, "one"), created(store, "other", **change)
        same = not names
        assert is_same(one.spec.settings, other.spec.settings) is same
        assert seeding.differences(one, other) == names
        assert seeding.alike(one, [one, other]) == (["other"] if same else [])
        facts = {row["fact"]: row["a"] for row in compare(store, "one", "other")}
        assert facts["trained_differently_in"] == (", ".join(names) or "nothing")


def test_studies_of_one_identity_are_merged_though_settings_without_effect_differ():
    with open_store("a.db") as store:
        created(store, "one")
    with open_store("b.db") as store:
        created(store, "one", proxy={"start_learning_rate": 0.02})
    (merged,) = merge(["b.db"], "a.db")
    assert merged.way.value == "nothing new"


def test_a_study_of_before_identities_is_told_apart_by_its_settings():
    with open_store("a.db") as store:
        one = created(store, "one")
        spec = {key: value for key, value in one.spec.settings.items() if key != IDENTITY}
        old = store.create_study(replace(one.spec, name="old", settings=spec))
        assert seeding.alike(one, [old]) == ["old"]
        changed = {**spec, "proxy": {**spec["proxy"], "start_learning_rate": 0.02}}
        other = store.create_study(replace(one.spec, name="other", settings=changed))
        assert seeding.differences(one, other) == ["proxy.start_learning_rate"]


def test_another_version_of_the_training_is_another_identity_and_is_named():
    with open_store("a.db") as store:
        one = created(store, "one")
        facts = tasks.proxy_facts(
            from_plain(to_plain(problems.settings_of(one))),
            one.spec.settings,
            0,
            problems.Ladder((1, 2)),
        )
        assert facts.identity() == one.spec.settings[IDENTITY]
        then = {**one.spec.settings, "training": VERSION + 1, IDENTITY: facts.identity(VERSION + 1)}
        other = store.create_study(replace(one.spec, name="other", settings=then))
        assert seeding.differences(one, other) == ["training"]
        assert seeding.alike(one, [other]) == []


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (None, None),
        ({}, None),
        ({"kind": "detection", "data": "canvas"}, None),
        ({"function": "mytask:measure"}, "mytask:measure"),
        ({"kind": "depth", "input": [1, 8, 8]}, "depth"),
    ],
)
def test_whatever_is_neither_classification_nor_detection_is_used_as_a_function_is(task, name):
    """A further kind needs no word in rooms that ask only this."""
    settings = {"proxy": {}} if task is None else {"task": task}
    assert measure_of(settings) == name
    assert is_own(settings) is (name is not None)
