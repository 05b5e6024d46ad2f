"""Whether KernelWarehouse pays: closed forms, and the same recomputed from a database."""

from dataclasses import replace
from math import sqrt
from types import SimpleNamespace

import moocore
import numpy as np
import pytest
from scipy.stats import t as student
from sqlalchemy import text

from reports import intervals
from reports.intervals import wilson
from reports.pays import Pays, gain_over_plain, payoff
from reports.sentences import facts
from reports.sentences import pays as sentence
from search_spaces.backbones import shipped
from trials.records import Baseline, BaselineRecord, Role, TrialState

TABLES = {
    width: shipped(f"resnet8x{width:g}" if width != 1 else "resnet8", 10, 1, (8, 8))
    for width in (0.25, 0.5, 1)
}
OWN = TABLES[0.5]
IMAGES = 1000


def plain(*accuracies, width=0.5, state=TrialState.COMPLETE, images=IMAGES, detail=None):
    """Baselines of one network, a seed each."""
    table = TABLES[width]
    role = Role.PLAIN if table is OWN else Role.WIDTH
    return [
        BaselineRecord(
            baseline=Baseline("s", seed, role, table, table.params, table.macs, seed),
            state=state,
            cause=detail and "error",
            detail=detail,
            worker=None,
            lost=0,
            epochs=9,
            accuracy=accuracy,
            accuracy_error=0.01,
            loss=0.5,
            images=images,
            seconds=1.0,
            finished_at=None,
        )
        for seed, accuracy in enumerate(accuracies)
    ]


def front(*members):
    """Members by parameters and accuracy."""
    return [
        SimpleNamespace(
            trial=SimpleNamespace(params=params, cost=params), accuracy=accuracy, number=number
        )
        for number, (params, accuracy) in enumerate(members)
    ]


def test_students_quantiles_are_scipys():
    for degrees in range(1, 200):
        assert intervals.student(degrees) == pytest.approx(student.ppf(0.975, degrees), abs=5e-4)


@pytest.mark.parametrize(("share", "images"), [(0.0, 10), (1.0, 10), (0.5, 1), (0.93, 598)])
def test_wilsons_interval_solves_its_equation(share, images):
    """Its ends are where the share is z standard errors away; at 0 and 1 one is the share."""
    for end in wilson(share, images):
        z = abs(share - end) / sqrt(end * (1 - end) / images) if 0 < end < 1 else None
        assert z == pytest.approx(1.959964) if z is not None else end == share


def test_without_spread_the_gain_has_newcombes_interval():
    """His example: 56 of 70 against 48 of 80 gives 0.0524 to 0.3339."""
    errors = intervals.Errors(70, 0.0)
    ends = [wilson(56 / 70, 70), wilson(48 / 80, 80)]
    lower = sqrt((56 / 70 - ends[0][0]) ** 2 + (ends[1][1] - 0.6) ** 2)
    upper = sqrt((ends[0][1] - 56 / 70) ** 2 + (0.6 - ends[1][0]) ** 2)
    assert (0.2 - lower, 0.2 + upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    same = errors.gain(0.8, 0.6, 1)
    low, high = wilson(0.8, 70)
    below, above = wilson(0.6, 70)
    assert same.low == pytest.approx(0.2 - sqrt((0.8 - low) ** 2 + (above - 0.6) ** 2))
    assert same.high == pytest.approx(0.2 + sqrt((high - 0.8) ** 2 + (0.6 - below) ** 2))


def test_without_image_error_the_gain_has_students_interval():
    """With images without end, what is left is t s sqrt(1 + 1/k)."""
    accuracies = (0.90, 0.91, 0.95)
    found = payoff(front((OWN.params, 0.96)), plain(*accuracies, images=10**15))
    half = student.ppf(0.975, 2) * np.std(accuracies, ddof=1) * sqrt(1 + 1 / 3)
    gain = found.plain.gain
    assert gain.value == pytest.approx(0.96 - np.mean(accuracies))
    assert (gain.value - gain.low, gain.high - gain.value) == pytest.approx((half, half), rel=1e-4)
    assert found.spread == pytest.approx(np.std(accuracies, ddof=1))


def test_both_sources_make_the_interval_wider_than_each():
    only_images = payoff(front((9000, 0.9)), plain(0.85, 0.85, 0.85)).plain.gain
    only_seeds = payoff(front((9000, 0.9)), plain(0.84, 0.85, 0.86, images=10**15)).plain.gain
    both = payoff(front((9000, 0.9)), plain(0.84, 0.85, 0.86)).plain.gain
    width = both.high - both.low
    assert width > max(only_images.high - only_images.low, only_seeds.high - only_seeds.low)
    assert width < (only_images.high - only_images.low) + (only_seeds.high - only_seeds.low)


@pytest.mark.parametrize(
    ("accuracy", "verdict", "said"),
    [
        (0.95, Pays.YES, "KernelWarehouse pays here: at no more parameters than plain resnet8x0.5"),
        (0.75, Pays.NO, "KernelWarehouse does not pay here"),
        (0.86, Pays.OPEN, "It cannot be told whether KernelWarehouse pays here"),
    ],
)
def test_the_verdict_follows_from_the_gain_at_the_plain_size(accuracy, verdict, said):
    found = payoff(front((9000, accuracy), (90_000, 0.99)), plain(0.85, 0.85, 0.856))
    assert found.verdict is verdict
    assert sentence(found).startswith(said)
    assert found.plain.trial == 0


def test_words_say_gain_loss_and_what_cannot_be_told():
    def told(accuracy):
        words = sentence(payoff(front((9000, accuracy)), plain(0.85, 0.85, 0.85)))
        return words.replace("\N{NO-BREAK SPACE}", " ")

    assert "it gains 10.0 points (95 % interval 7.4 to 12.6)" in told(0.95)
    assert "it loses 10.0 points (95 % interval 6.5 to 13.5)" in told(0.75)
    assert "it cannot be told apart, +0.5 points (95 % interval -2.6 to +3.6)" in told(0.855)
    assert "(19,074 parameters, 85.0 % over 3 seeds)" in told(0.95)


def test_the_share_is_of_the_smallest_member_that_is_as_accurate():
    """Its ends are of the smallest that may be, and the smallest that surely is."""
    size = OWN.params
    members = front((size // 4, 0.84), (size // 2, 0.86), (2 * size, 0.95))
    found = payoff(members, plain(0.85, 0.85, 0.85)).plain
    assert found.share.value == pytest.approx(0.5, abs=1e-3)
    assert found.share.low == pytest.approx(0.25, abs=1e-3)
    assert found.share.high == 2.0
    unsure = payoff(members[:2], plain(0.85, 0.85, 0.85))
    assert unsure.plain.share.high is None
    assert "0.50 times its parameters reach its accuracy (at least 0.25)" in sentence(unsure)
    none = payoff(members[:1], plain(0.85, 0.85, 0.85))
    assert none.plain.share is None
    assert "no network of the front reaches its accuracy" in sentence(none)


def test_the_ladder_is_the_mean_gain_over_widths_that_a_member_is_no_larger_than():
    """Seeds of one width say how much the others spread."""
    baselines = [*plain(0.84, 0.86), *plain(0.7, width=0.25), *plain(0.88, width=1)]
    members = front((TABLES[0.25].params, 0.75), (OWN.params, 0.86), (TABLES[1].params, 0.9))
    found = payoff(members, baselines)
    assert found.rungs == 3
    assert found.ladder.value == pytest.approx(np.mean([0.05, 0.01, 0.02]))
    half = student.ppf(0.975, 1) * np.std([0.84, 0.86], ddof=1) * sqrt(3 + 0.5 + 1 + 1) / 3
    seeds_only = payoff(members, [replace(one, images=10**15) for one in baselines]).ladder
    assert seeds_only.high - seeds_only.value == pytest.approx(half, rel=1e-3)
    assert "on average over 3 plain widths it cannot be told apart, +2.7 points" in sentence(found)
    larger = payoff(members[1:], baselines)
    assert larger.rungs == 2
    assert payoff(members, plain(0.84, 0.86)).ladder is None


def test_a_member_beside_two_widths_is_one_training():
    """Its luck counts twice."""
    baselines = [*plain(0.84, 0.86, images=10**15), *plain(0.88, width=1, images=10**15)]
    found = payoff(front((9000, 0.9)), baselines).ladder
    half = student.ppf(0.975, 1) * np.std([0.84, 0.86], ddof=1) * sqrt(2**2 + 0.5 + 1) / 2
    assert found.high - found.value == pytest.approx(half, rel=1e-3)


def test_where_every_member_is_larger_the_ladder_decides():
    baselines = [*plain(0.85, 0.85, 0.85), *plain(0.86, width=1)]
    found = payoff(front((50_000, 0.95)), baselines)
    assert (found.plain.gain, found.rungs, found.verdict) == (None, 1, Pays.YES)
    assert "every network of the front is larger than plain resnet8x0.5" in sentence(found)
    assert payoff(front((50_000, 0.95)), baselines[:3]).verdict is Pays.UNKNOWN


def test_one_seed_has_no_spread_and_that_is_said():
    found = payoff(front((9000, 0.95)), plain(0.85))
    assert found.spread is None
    assert "their spread is left out" in sentence(found)
    assert "over 1 seed)" in sentence(found)


@pytest.mark.parametrize(
    ("baselines", "said"),
    [
        ([], "This study measures no plain network"),
        (plain(None, state=TrialState.WAITING), "Plain resnet8x0.5 is not measured yet."),
        (
            plain(None, state=TrialState.FAILED, detail="It broke."),
            "Plain resnet8x0.5 could not be measured (error: It broke.)",
        ),
    ],
)
def test_what_is_missing_is_said(baselines, said):
    found = payoff(front((9000, 0.9)), baselines)
    assert found.verdict is Pays.UNKNOWN
    assert sentence(found).startswith("Whether KernelWarehouse pays here is not known. ")
    assert said in sentence(found)
    assert gain_over_plain(found, 0.9) is None


def test_before_the_first_trial_is_over_the_plain_network_is_told():
    found = payoff([], plain(0.85, 0.86))
    assert found.verdict is Pays.UNKNOWN
    assert "No trial has reached the top rung yet." in sentence(found)
    assert "85.5" in sentence(found)


def test_the_facts_are_plain_values():
    found = facts(payoff(front((9000, 0.95)), [*plain(0.85, 0.85), *plain(0.88, width=1)]))
    assert found["verdict"] == "yes"
    assert found["plain"]["gain"].keys() == {"value", "low", "high"}
    assert found["others"][0]["network"] == "resnet8"
    assert found["images"] == IMAGES


def test_plain_sql_and_numpy_give_the_same(with_baselines):
    """From the tables alone, with moocore as the oracle of the front."""
    store, name = with_baselines
    told = payoff(store.front(name), store.baselines(name))

    def rows(sql):
        return store.transactions.read(lambda c: c.execute(text(sql)).all())

    trials = np.array(
        rows("SELECT params, accuracy, number FROM kw_trial WHERE state = 'complete'"), float
    )
    best = trials[moocore.is_nondominated(np.column_stack([trials[:, 0], 1 - trials[:, 1]]))]
    trained = rows(
        "SELECT role, params, accuracy, images FROM kw_baseline WHERE state = 'complete'"
    )
    own = np.array([row.accuracy for row in trained if row.role == "plain"])
    size = next(row.params for row in trained if row.role == "plain")
    images = trained[0].images
    smaller = best[best[:, 0] <= size]
    member = smaller[np.argmax(smaller[:, 1])]
    spread = own.std(ddof=1) * student.ppf(0.975, len(own) - 1) * np.sqrt(1 + 1 / len(own))

    def interval(share):
        roots = np.roots([1 + 1.959964**2 / images, -2 * share - 1.959964**2 / images, share**2])
        return np.sort(roots.real)

    (low, high), (below, above) = interval(member[1]), interval(own.mean())
    lower = np.sqrt((member[1] - low) ** 2 + (above - own.mean()) ** 2 + spread**2)
    upper = np.sqrt((high - member[1]) ** 2 + (own.mean() - below) ** 2 + spread**2)
    gain = told.plain.gain
    assert told.plain.trial == member[2]
    assert gain.value == pytest.approx(member[1] - own.mean())
    assert (gain.value - gain.low, gain.high - gain.value) == pytest.approx(
        (lower, upper), rel=1e-4
    )
    reaching = best[best[:, 1] >= own.mean()]
    assert told.plain.share.value == pytest.approx(reaching[:, 0].min() / size)
    widths = [row for row in trained if any(best[:, 0] <= row.params) and row.role == "width"]
    gains = [best[best[:, 0] <= row.params][:, 1].max() - row.accuracy for row in widths]
    assert told.ladder.value == pytest.approx(np.mean([gain.value, *gains]))
