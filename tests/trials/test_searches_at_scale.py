"""Properties that every search keeps, however many workers, losses and interruptions it has."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.execution import Simulated, following
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, TrialState
from trials.sampling import STARTUP
from trials.sampling.guided import Guided
from trials.search import Search
from trials.store import open_store
from trials.store.check import check

LADDER = Ladder((1, 3, 9))
SPACE = Space(
    shipped("resnet8", 10, 1, (8, 8)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
        "cell_outplane_ratio": Options((0.25, 0.5, 0.7, 1.0)),  # 0.7 cannot be built
        "reduction": Options((0.03125, 0.0625, 0.125)),
        "sharing_range": Options(("none", "layer", "stage", "network")),
    },
    "stage",
)
LIMITS = Limits(min_params=10_000, max_params=400_000)
HALVING = Halving(eta=3, low=10_000, high=400_000)


@contextmanager
def quick_folder():
    """As the fixture `quick_path`, once for each example."""
    shared = Path("/dev/shm")  # noqa: S108 - the folder made inside is private
    root = shared if os.access(shared, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=root) as folder:
        yield Path(folder)


def curve(trial):
    """Larger networks are better, some are luckier; lucky ones are seen to be so early."""
    rng = np.random.default_rng(trial.seed)
    luck, pace = rng.uniform(0, 0.3), rng.uniform(0.5, 2)
    for epoch in LADDER.rungs:
        accuracy = 0.07 * np.log10(trial.params) + luck + 0.02 * epoch + rng.normal(0, 0.01)
        yield Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, pace * epoch)


def opened(store, sampler="tpe", halving=HALVING, name="study"):
    study = store.study(name)
    return Search(store, study, SPACE, LIMITS, LADDER, sampler, "test:1", halving, max_failures=1)


def created(store, trials, seed=0, name="study"):
    settings = {"proxy": {"epochs": list(LADDER.rungs)}}
    return store.create_study(
        NewStudy(name, settings, SPACE.backbone, seed, trials, 1_000, 400_000, 0.1)
    )


class Asked:
    """A search that keeps which trials are open, and is interrupted after a number of reports."""

    def __init__(self, search, reports=None):
        self.search, self.reports = search, reports
        self.open, self.most = set(), 0

    def suggest(self):
        trial = self.search.suggest()
        if trial is not None:
            self.open.add(trial.number)
            self.most = max(self.most, len(self.open))
            self.compare_pending()
        return trial

    def compare_pending(self):
        """A sampler that learns knows exactly the trials under way."""
        if isinstance(self.search._sampler, Guided):
            seen = self.search._sampler._seen.values()
            waiting = len(self.search._waiting)
            assert sum(one.observed is None for one in seen) == len(self.open) + waiting

    def report(self, trial, measurement):
        if self.reports == 0:
            raise KeyboardInterrupt
        if self.reports is not None:
            self.reports -= 1
        return self.search.report(trial, measurement)

    def retry(self, trial):
        return self.search.retry(trial)

    def finish(self, trial, outcome):
        self.search.finish(trial, outcome)
        self.open.discard(trial.number)


def assert_sound(store, trials):
    assert check(store) == []
    records = store.trials("study")
    assert [record.number for record in records] == list(range(trials))
    assert len({record.trial.digest for record in records}) == trials
    assert all(record.state.final for record in records)
    assert all(10_000 <= record.trial.params <= 400_000 for record in records)


@pytest.mark.parametrize(("workers", "trials"), [(1, 40), (8, 60), (100, 150)])
@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_search_of_any_width_hands_out_each_network_once_and_knows_what_is_pending(
    quick_path, workers, trials, sampler
):
    with open_store(str(quick_path / "kwsearch.db")) as store:
        created(store, trials)
        asked = Asked(opened(store, sampler))
        Simulated(workers)(asked, following(curve))
        assert_sound(store, trials)
        assert asked.most == workers
        bands = {HALVING.band(r.trial.params) for r in store.trials("study", limit=STARTUP)}
        assert bands == set(range(HALVING.bands))


@settings(max_examples=8)
@given(
    workers=st.sampled_from([1, 8, 100]),
    seed=st.integers(0, 2**31),
    sampler=st.sampled_from(["random", "nsga2"]),
    interruptions=st.lists(st.integers(0, 60), max_size=3),
    losses=st.floats(0, 0.3),
)
def test_whatever_is_lost_or_interrupted_the_checker_finds_nothing(
    workers, seed, sampler, interruptions, losses
):
    def lost(trial):
        rng = np.random.default_rng([trial.seed, trial.attempt])
        return float(rng.uniform(0, 10)) if rng.random() < losses else None

    with quick_folder() as folder, open_store(str(folder / "kwsearch.db")) as store:
        created(store, 30, seed)
        for reports in interruptions:
            search = opened(store, sampler)
            try:
                Simulated(workers, lost=lost)(Asked(search, reports), following(curve))
            except KeyboardInterrupt:
                search.give_back()
            assert check(store) == []
        Simulated(workers, lost=lost)(opened(store, sampler), following(curve))
        assert_sound(store, 30)
        causes = {r.cause for r in store.trials("study") if r.state is TrialState.FAILED}
        assert causes <= {"worker-lost"}


def test_halving_reaches_the_front_of_full_trainings_for_fewer_epochs(quick_path):
    """Where early accuracy foretells late accuracy, equal epochs buy more hypervolume."""
    gains = []
    with open_store(str(quick_path / "kwsearch.db")) as store:
        for seed in range(4):
            created(store, 100, seed, f"halved{seed}")
            Simulated(8)(opened(store, "random", HALVING, f"halved{seed}"), following(curve))
            halved = store.study(f"halved{seed}")
            created(store, halved.epochs // LADDER.top, seed, f"whole{seed}")
            Simulated(8)(opened(store, "random", None, f"whole{seed}"), following(curve))
            whole = store.study(f"whole{seed}")
            assert whole.epochs <= halved.epochs
            gains.append(halved.hypervolume / whole.hypervolume)
        assert check(store) == []
    assert np.mean(gains) > 1.02
