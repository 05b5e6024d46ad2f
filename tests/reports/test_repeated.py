"""Fronts of means, held to closed forms."""

import html
import json
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy.stats import t as student

from reports import sentences, tables
from reports.figures import web
from reports.figures.front import front_info
from reports.intervals import wilson
from reports.page import refresh, render
from reports.pays import Pays, gain_over_plain, payoff
from reports.repeated import fallen, front_of, means
from trials.records import Role, TrialState

from .conftest import IMAGES, repeats


@pytest.fixture
def pair(summary):
    """The two largest members of a front, the larger one 2 points ahead by its first training."""
    small, large = summary.front[-2:]
    return replace(small, accuracy=0.90), replace(large, accuracy=0.92)


@pytest.fixture
def small_pair(summary):
    """The same of the two smallest, which are no larger than the plain network."""
    small, large = summary.front[:2]
    assert large.trial.params < summary.study.spec.backbone.params
    return replace(small, accuracy=0.90), replace(large, accuracy=0.92)


def test_a_mean_has_wilsons_and_students_errors(summary, pair):
    small, large = pair
    found = means(pair, [*repeats(summary, small, 0.92, 0.94), *repeats(summary, large, 0.90)])
    assert [mean.accuracies for mean in found] == [(0.90, 0.92, 0.94), (0.92, 0.90)]
    spread = sqrt((2 * np.var((0.90, 0.92, 0.94), ddof=1) + np.var((0.92, 0.90), ddof=1)) / 3)
    for mean in found:
        value, times = np.mean(mean.accuracies), len(mean.accuracies)
        low, high = wilson(value, IMAGES)
        seeds = student.ppf(0.975, 3) * spread / sqrt(times)
        assert mean.accuracy.value == pytest.approx(value)
        assert mean.accuracy.low == pytest.approx(value - np.hypot(value - low, seeds), abs=1e-4)
        assert mean.accuracy.high == pytest.approx(value + np.hypot(high - value, seeds), abs=1e-4)


def test_a_member_that_was_lucky_falls_back(summary, pair):
    small, large = pair
    found = means(pair, [*repeats(summary, small, 0.92, 0.94), *repeats(summary, large, 0.90)])
    assert [mean.number for mean in front_of(found)] == [small.number]
    assert front_of(found)[0].record.accuracy == pytest.approx(0.92)
    assert fallen(pair, found) == [large.number]
    said = sentences.repeats(pair, found, ())
    assert said is not None
    assert f"Trial {large.number} falls back" in said


def test_members_that_hold_stay(summary, pair):
    small, large = pair
    found = means(pair, [*repeats(summary, small, 0.89), *repeats(summary, large, 0.93)])
    assert [mean.number for mean in front_of(found)] == [small.number, large.number]
    assert fallen(pair, found) == []
    assert "over 2 seeds. No member falls back." in (sentences.repeats(pair, found, ()) or "")


def test_a_repeat_that_failed_is_left_out_and_its_trial_is_not(summary, pair):
    small, large = pair
    failed = repeats(summary, large, 0.1, state=TrialState.FAILED)
    found = means(pair, [*repeats(summary, small, 0.91), *failed])
    assert [mean.accuracies for mean in found] == [(0.90, 0.91), (0.92,)]


def test_without_repeats_there_are_no_means(summary, pair):
    plain = [
        replace(one, baseline=replace(one.baseline, role=Role.PLAIN, repeats=None))
        for one in repeats(summary, pair[0], 0.9, 0.8)
    ]
    assert means(pair, plain) == []
    assert sentences.repeats(pair, [], plain) is None


def test_there_are_no_means_before_all_repeats_are_over(summary, pair):
    small, large = pair
    waiting = repeats(summary, large, None, state=TrialState.WAITING)
    under_way = [*repeats(summary, small, 0.92), *waiting]
    assert means(pair, under_way) == []
    said = sentences.repeats(pair, [], under_way)
    assert said is not None
    assert said.startswith("1 of 2 repeats are over")
    assert means(pair, repeats(summary, small, 0.92)) == []  # the other came after them


def test_the_spread_between_seeds_is_one_for_plain_and_repeated_networks(summary, small_pair):
    """The gain of a mean of three has Student's interval of both means."""
    pair = small_pair
    exact = [
        replace(one, images=10**15)
        for one in (
            *repeats(summary, pair[0], 0.92, 0.94),
            *repeats(summary, pair[1], 0.90, 0.94),
            *summary.baselines,
        )
    ]
    found = means(pair, exact)
    paid = payoff(pair, exact, found)
    plain = [one.accuracy for one in summary.baselines if one.baseline.role is Role.PLAIN]
    groups = [plain, (0.90, 0.92, 0.94), (0.92, 0.90, 0.94)]
    assert len(plain) == 3
    spread = sqrt(np.mean([np.var(group, ddof=1) for group in groups]))
    assert paid.spread == pytest.approx(spread)
    (member,) = (one for one in found if one.number == paid.plain.trial)
    half = student.ppf(0.975, 6) * spread * sqrt(1 / 3 + 1 / 3)
    gain = paid.plain.gain
    assert gain.value == pytest.approx(member.accuracy.value - np.mean(plain))
    assert (gain.value - gain.low, gain.high - gain.value) == pytest.approx((half, half), rel=1e-3)
    assert gain_over_plain(paid, member.accuracy.value, 3) == gain
    once = payoff(pair, exact).plain.gain
    assert once.high - once.value > gain.high - gain.value


def test_means_that_are_lower_than_first_trainings_change_the_verdict(summary, small_pair):
    """Who was lucky once gains nothing."""
    lucky = [replace(one, accuracy=0.99) for one in small_pair]
    drawn = [*repeats(summary, lucky[0], 0.3, 0.31), *repeats(summary, lucky[1], 0.3, 0.31)]
    baselines = [*summary.baselines, *drawn]
    found = means(lucky, baselines)
    assert payoff(lucky, baselines).verdict is Pays.YES
    assert payoff(lucky, baselines, found).verdict is not Pays.YES


def test_figures_draw_means_with_their_intervals(again):
    info = front_info(again)
    assert info.means
    assert [dot.number for dot in info.front] == [m.number for m in again.front]
    for dot in info.front:
        mean = again.means[dot.number]
        assert (dot.accuracy, dot.low, dot.high) == mean.accuracy
        assert dot.seeds == 3
    assert set(again.fallen) <= {dot.number for dot in info.complete}
    singles = [dot for dot in info.complete if dot.number not in again.means]
    assert {dot.seeds for dot in singles} == {1}
    assert all(dot.high - dot.low == pytest.approx(2 * dot.error) for dot in singles)
    assert {d.number for d in front_info(again, "macs").front} <= set(again.means)
    trace = next(t for t in web.front_figure(info)["data"] if t.get("name") == "Front")
    assert trace["error_y"]["array"] == [round(d.high - d.accuracy, 5) for d in info.front]
    assert all(row[3] == " · mean over 3 seeds" for row in trace["customdata"])


def test_a_page_shows_means_and_names_who_falls_back(again, summary):
    """In headline, table, data and a sentence; a page without repeats says nothing of them."""
    assert again.fallen
    text = render(again)
    said = tables.repeats(again)
    assert said is not None
    assert f"Trial {again.fallen[0]} falls back" in said
    assert html.escape(said) in text
    assert said in json.loads(refresh(again))["parts"]["top"]
    assert "in the mean over 3 seeds" in tables.headline(again)
    columns = tables.columns(again)
    best = again.front[-1]
    assert columns["accuracy"][best.number] == pytest.approx(best.accuracy, abs=1e-6)
    assert len(columns["trainings"][best.number]) == 3
    assert "they stand at their means" in text
    assert "they stand at their means" not in render(summary)
    assert tables.repeats(summary) is None
