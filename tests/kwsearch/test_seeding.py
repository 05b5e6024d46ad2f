"""Studies that begin with what is known, from the settings to the proposals."""

from dataclasses import replace

import pytest

from kwsearch import problems, seeding
from kwsearch.presets import preset
from kwsearch.settings import from_plain, to_plain
from search_spaces import InputError, plan_network
from trials.execution import Simulated, following
from trials.records import Measurement, NewStudy
from trials.search import Search
from trials.store import open_store
from trials.tasks.classification import VERSION


def settings(**search):
    plain = to_plain(preset("quickstart"))
    plain["search"] |= {"trials": 12, "sampler": "random", **search}
    return from_plain(plain)


def curve(trial):
    for epoch in (3, 9):
        accuracy = 0.5 + (trial.seed % 1000) / 5000 + epoch / 100
        yield Measurement(epoch, accuracy, 0.01, 1.0, 100, float(epoch))


@pytest.fixture
def store(quick_path):
    with open_store(str(quick_path / "kwsearch.db")) as opened:
        yield opened


@pytest.fixture
def problem():
    wanted = settings()
    return problems.problem(wanted, problems.backbone_for_planning(wanted))


@pytest.fixture
def searched(store, problem):
    """The name of a study of quickstart's space that was searched."""
    plain = {**to_plain(problem.settings), "images": "ab", "training": VERSION}
    table = problem.space.backbone
    study = store.create_study(NewStudy("known", plain, table, 0, 12, 1_000, 200_000, 0.1))
    search = Search(store, study, problem.space, problem.limits, problem.ladder, "random", "test:1")
    Simulated(3)(search, following(curve))
    return "known"


def test_another_study_lends_its_front_first(store, problem, searched):
    values = seeding.seeds(store, problem.space, searched)
    table = problem.space.backbone
    lent = [plan_network(problem.space.decode(one), table).digest for one in values]
    front = {record.trial.digest for record in store.front(searched)}
    assert set(lent[: len(front)]) == front
    assert len(lent) == len(set(lent)) == 12


def test_a_study_without_a_network_of_the_space_is_refused_with_the_reason(
    store, problem, searched
):
    narrow = replace(problem.space, choices={})
    with pytest.raises(InputError, match=r"No network of 'known' is in the space; trial \d+: "):
        seeding.seeds(store, narrow, searched)
    with pytest.raises(InputError, match="no study 'nobody'"):
        seeding.seeds(store, problem.space, "nobody")


def test_published_networks_of_the_backbone_are_lent_where_the_space_reaches_them(store):
    wanted = preset("resnet18")
    asked = problems.problem(wanted, problems.backbone_for_planning(wanted))
    values = seeding.seeds(store, asked.space, "published")
    assert {one["cell_num_ratio.stage1"] for one in values} == {0.25, 0.5, 1.0, 2.0, 4.0}


def test_a_backbone_without_published_networks_lends_none(store, problem):
    with pytest.raises(InputError, match="'published' has no network"):
        seeding.seeds(store, problem.space, "published")


@pytest.mark.parametrize(
    ("change", "like"),
    [
        ({}, True),
        ({"search": {"seed": 1}}, False),
        ({"proxy": {"batch_size": 16}}, False),
        ({"search": {"sampler": "tpe", "eta": 4.0}}, True),
        ({"execution": {"threads": 2}}, True),
    ],
)
def test_studies_are_alike_by_images_proxy_and_seed(store, problem, searched, change, like):
    plain = to_plain(problem.settings)
    for section, values in change.items():
        plain[section] |= values
    seed = plain["search"]["seed"]
    new = NewStudy(
        "new",
        {**plain, "images": "ab", "training": VERSION},
        problem.space.backbone,
        seed,
        3,
        1,
        9,
        0.1,
    )
    study = store.create_study(new)
    assert seeding.alike(study, store.studies()) == ([searched] if like else [])
    other = store.create_study(replace(new, name="x", settings={**plain, "images": "cd"}))
    assert seeding.alike(other, store.studies()) == []


@pytest.mark.parametrize(
    ("proxy", "like"),
    [
        ({"attention_start": "temperature", "attention_learning_rate": 1.0}, True),
        ({"attention_start": "temperature", "attention_learning_rate": 0.1}, False),
        ({}, False),
    ],
)
def test_a_study_of_before_attention_could_start_assigned_means_the_temperature(
    store, problem, proxy, like
):
    """It is gone on with as it was begun, and is like a new one that asks for just that."""
    table = problem.space.backbone
    plain = {**to_plain(problem.settings), "images": "ab", "training": VERSION}
    of_before = {**plain, "proxy": dict(plain["proxy"])}
    for name in ("attention_start", "attention_learning_rate"):
        del of_before["proxy"][name]
    old = store.create_study(NewStudy("old", of_before, table, 0, 3, 1, 9, 0.1))
    wanted = problems.settings_of(old).proxy
    assert (wanted.attention_start, wanted.attention_learning_rate) == ("temperature", 1.0)
    asked = {**plain, "proxy": plain["proxy"] | proxy}
    new = store.create_study(NewStudy("new", asked, table, 0, 3, 1, 9, 0.1))
    assert seeding.alike(new, store.studies()) == (["old"] if like else [])


@pytest.mark.parametrize("kept", [{}, {"training": VERSION - 1}, {"training": VERSION + 1}])
def test_what_another_version_of_the_training_measured_is_not_copied_and_that_is_said(
    store, problem, searched, kept
):
    """Studies of before versions were kept count as of version 0."""
    plain = {**to_plain(problem.settings), "images": "ab"}
    new = NewStudy("old", {**plain, **kept}, problem.space.backbone, 0, 3, 1, 9, 0.1)
    old = store.create_study(new)
    now = {**plain, "training": VERSION}
    study = store.create_study(replace(new, name="new", settings=now))
    assert seeding.alike(study, store.studies()) == [searched]
    assert seeding.remarks(study, store.studies(), reuse=True) == []  # it has measured nothing
    run = Search(store, old, problem.space, problem.limits, problem.ladder, "random", "test:1")
    Simulated(3)(run, following(curve))
    (said,) = seeding.remarks(study, store.studies(), reuse=True)
    assert said.startswith("Measurements of study 'old' are not copied: they were made by version ")
    assert said.endswith(f" {kept.get('training', 0)} of the training, this is version {VERSION}.")
    assert seeding.remarks(study, store.studies(), reuse=False) == []
    (said,) = seeding.remarks(store.study("old"), [], reuse=True)
    assert said.startswith(f"Study 'old' was begun with version {kept.get('training', 0)} of")
    assert seeding.alike(store.study("old"), store.studies()) == [searched, "new"]
