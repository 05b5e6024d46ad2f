"""A search that pauses trials and goes on with them is killed: it ends as if it had not been."""

import random

import pytest

from trials.records import TrialState
from trials.store import open_store

from .conftest import STUDY, TRIALS

pytestmark = pytest.mark.fault


def thawing(place, executor=""):
    """Give a place a study of `exact` and freeze and thaw, with rungs at 1, 2, 3 and 4 epochs."""
    study = STUDY.replace('sampler = "random"', 'sampler = "exact"\npromotion = "model"')
    study = study.replace('"model"', '"model"\nepochs_share = 0.7')
    study = study.replace("epochs = [1, 2]", "epochs = [1, 2, 3, 4]")
    study = study.replace("batch_size = 512", "batch_size = 64")
    study = study.replace(f"trials = {TRIALS}", "trials = 12")
    (place.folder / "tiny.toml").write_text(study + executor)
    return place


@pytest.fixture
def places(furnish, quick_path):
    """Two places with that study."""
    found = []
    for name in ("killed", "whole"):
        folder = quick_path / name
        folder.mkdir()
        found.append(thawing(furnish(folder)))
    return found


def attempts(place):
    with open_store(place.url, create=False, read_only=True) as store:
        return {record.number: record.trial.attempt for record in store.trials("tiny")}


def test_a_search_killed_at_random_ends_in_the_table_of_one_that_was_not(places):
    killed, whole = places
    moments = random.Random(0)  # noqa: S311 - not a secret
    words = ["search", "tiny.toml"]
    for finished in (2, 5, 7):
        running = killed.start(*words)
        running.reached(finished)
        running.join(moments.uniform(0, 0.3))
        running.kill()
        killed.sound()
        words = ["resume", "tiny", "--steal"]
    killed.run(*words)
    whole.run("search", "tiny.toml")
    assert killed.table() == whole.table()
    assert killed.measured() == whole.measured()
    assert max(attempts(whole).values()) > 1, "no trial was gone on with"
    killed.sound()


def test_on_ray_with_two_workers_a_kill_loses_and_doubles_nothing(quick_path, furnish):
    place = thawing(furnish(quick_path), 'executor = "ray"\nworkers = 2\n')
    running = place.start("search", "tiny.toml")
    running.reached(5)
    running.kill()
    before = place.measured()
    place.run("resume", "tiny", "--steal")
    place.sound()
    table = place.table()
    assert len(table) == len({digest for _, digest, *_ in table}) > 5
    assert {state for _, _, _, state, *_ in table} <= {TrialState.COMPLETE, TrialState.STOPPED}
    after = place.measured()
    assert {key: after[key] for key in before} == before
