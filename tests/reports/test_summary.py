"""A summary is the whole study, read once."""

import subprocess
import sys

import pytest

from reports.summary import Spent, spent_on, summarise
from search_spaces import InputError
from search_spaces.choices import FloatRange, Options
from trials.promotion import Halving
from trials.records import TrialState
from trials.store import open_store


def test_it_holds_what_the_store_holds(made_up, summary):
    with open_store(str(made_up), read_only=True) as store:
        assert list(summary.trials) == store.trials("made-up")
        assert list(summary.front) == store.front("made-up")
        flat = [(n, m) for n, curve in summary.measurements.items() for m in curve]
        assert flat == store.measurements("made-up")
        assert summary.study == store.study("made-up")


def test_dimensions_are_those_of_the_study_file(summary):
    assert summary.dimensions == {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
        "sharing_range": Options(("none", "layer", "stage", "network")),
    }


def test_what_trials_cost_adds_up_to_what_the_study_cost(summary):
    assert spent_on([]) == Spent()
    assert sum(cost.trials for cost in summary.cost.values()) == 40
    assert sum(cost.epochs for cost in summary.cost.values()) == summary.study.epochs
    assert sum(c.seconds for c in summary.cost.values()) == pytest.approx(summary.study.seconds)
    assert summary.cost[TrialState.FAILED] == Spent(1, 1, 0.5)


def test_an_unknown_study_is_refused(made_up):
    with open_store(str(made_up), read_only=True) as store, pytest.raises(InputError):
        summarise(store, "made-upp", lambda study: Halving(3, 1, study.spec.reference_params))


def test_reports_never_load_torch_or_ray():
    code = (
        "import sys, reports.summary, reports.figures.paper, reports.figures.web\n"
        "assert not {'torch', 'ray', 'matplotlib', 'plotly'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
