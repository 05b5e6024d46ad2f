"""What figures say, held to closed forms; both ways of drawing read the same info."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import moocore
import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure
from scipy.stats import chi2_contingency, kendalltau

from reports.figures import paper, web
from reports.figures.agreement import agreement_info, band_ends
from reports.figures.choices import choices_info
from reports.figures.curves import curves_info
from reports.figures.front import front_info
from reports.figures.hypervolume import CLOCKS, hypervolume_info
from reports.homogeneity import homogeneity
from reports.sentences import pays
from reports.tables import headline, taus
from reports.units import capital, duration, percent, plural, quantity
from search_spaces import InputError
from search_spaces.choices import FloatRange, Options
from trials.area import Scale
from trials.promotion import Halving
from trials.records import Measurement, TrialState
from trials.sampling import importances


def test_plain_networks_stand_on_the_figure_with_their_intervals(summary):
    found = summary.payoff
    dots = {dot.name: dot for dot in front_info(summary).plain}
    assert len(dots) == 1 + len(found.others) > 1
    for one in (found.plain, *found.others):
        dot = dots[one.network]
        assert (dot.size, dot.accuracy, dot.low, dot.high) == (one.params, *one.accuracy)
    (trace,) = (
        t
        for t in web.front_figure(front_info(summary))["data"]
        if t.get("name") == "Plain networks"
    )
    assert trace["x"] == sorted(dot.size for dot in dots.values())
    assert [dot.size for dot in front_info(summary, "macs").plain] == sorted(
        one.macs for one in (found.plain, *found.others)
    )


def test_the_front_against_parameters_is_the_one_in_the_database(summary):
    info = front_info(summary)
    assert tuple(dot.number for dot in info.front) == summary.fronts[-1].members
    dots = [*info.front, *info.complete, *info.stopped]
    assert len({dot.number for dot in dots}) == len(dots) == len(summary.measurements)
    states = {dot.number: summary.by_number[dot.number].state for dot in info.stopped}
    assert TrialState.COMPLETE not in states.values()
    assert info.epochs == 9


@pytest.mark.parametrize("size", ["params", "macs"])
def test_each_size_has_the_front_that_moocore_finds(summary, size):
    info = front_info(summary, size)
    dots = [*info.front, *info.complete]
    points = np.array([(dot.size, 1 - dot.accuracy) for dot in dots])
    kept = moocore.is_nondominated(points)
    assert {d.number for d in info.front} == {dots[i].number for i in np.flatnonzero(kept)}


def test_the_step_line_never_falls_and_turns_only_at_members(summary):
    info = front_info(summary)
    assert info.step[::2][: len(info.front)] == tuple((d.size, d.accuracy) for d in info.front)
    for (x0, y0), (x1, y1) in pairwise(info.step):
        assert (x0 < x1 and y0 == y1) or (x0 == x1 and y0 < y1)


def test_published_results_are_there_for_their_backbones_alone(summary, wide):
    assert front_info(summary).references == ()
    found = front_info(wide).references
    assert [row.plain for row in found] == [True] + [False] * 5
    assert {row.training for row in found} == {"full training on ImageNet"}
    published = {row.accuracy for row in found}
    proxies = {d.accuracy for d in (*front_info(wide).front, *front_info(wide).complete)}
    assert not published & proxies
    assert front_info(wide).plain_size == wide.study.spec.backbone.params


def by_end(summary):
    return sorted((t for t in summary.trials if t.finished_at), key=lambda t: t.finished_at)


def linear_share(summary):
    """Of the area up to the budget and the accuracy of guessing."""
    points = np.array([(m.trial.params, 1 - m.accuracy) for m in summary.front])
    return moocore.hypervolume(points, ref=(200_000, 0.9)) / (200_000 * 0.9)


def test_hypervolume_grows_to_that_of_the_study_and_clocks_add_up(summary):
    info = hypervolume_info(summary)
    assert all(a <= b for a, b in pairwise(info.share))
    assert info.share[-1] == summary.study.hypervolume
    assert list(info.share) == [t.hypervolume for t in by_end(summary)]
    linear = hypervolume_info(replace(summary, scale=Scale.LINEAR))
    assert all(a <= b for a, b in pairwise(linear.share))
    assert linear.share[-1] == pytest.approx(linear_share(summary))
    assert linear.share[-1] > info.share[-1]
    assert linear.axis != info.axis
    assert (info.trials[-1], info.epochs[-1]) == (40, summary.study.epochs)
    assert info.seconds[-1] == pytest.approx(summary.study.seconds)


def test_hypervolume_goes_by_the_order_of_ends_whatever_the_clock_did(summary):
    """A clock set back in mid-search: the curve grows as it did."""
    late = {t.number for t in by_end(summary)[20:]}
    trials = tuple(
        replace(t, finished_at=t.finished_at - timedelta(hours=1)) if t.number in late else t
        for t in summary.trials
    )
    assert hypervolume_info(replace(summary, trials=trials)) == hypervolume_info(summary)


def test_curves_hold_every_measurement_once(summary):
    info = curves_info(summary)
    assert info.rungs == (1, 3, 9)
    measured = sum(len(curve) for curve in summary.measurements.values())
    assert sum(info.measured) == sum(len(curve.epochs) for curve in info.curves) == measured
    assert info.measured[0] > info.measured[2] > 0


def with_curves(summary, curves):
    """The study with other accuracies at rungs 1 and 9, by trial."""
    measurements = {
        number: tuple(
            Measurement(epoch, accuracy, 0.01, 0.5, 100, 1.0)
            for epoch, accuracy in zip((1, 9), pair, strict=True)
        )
        for number, pair in curves.items()
    }
    return replace(summary, measurements=measurements)


@pytest.mark.parametrize(("later", "tau"), [((0.3, 0.4, 0.5), 1), ((0.5, 0.4, 0.3), -1)])
def test_tau_is_one_for_the_same_order_and_minus_one_for_the_reverse(summary, later, tau):
    curves = dict(enumerate(zip((0.1, 0.2, 0.3), later, strict=True)))
    info = agreement_info(with_curves(summary, curves))
    assert (info.top, info.rows[0].trials) == (9, 3)
    assert info.rows[0].tau == pytest.approx(tau)


def test_tau_of_one_swap_among_four_is_two_thirds(summary):
    pairs = {0: (0.1, 0.1), 1: (0.2, 0.3), 2: (0.3, 0.2), 3: (0.4, 0.4)}
    assert agreement_info(with_curves(summary, pairs)).rows[0].tau == pytest.approx(4 / 6)


@pytest.mark.parametrize("pairs", [{}, {0: (0.1, 0.2), 1: (0.2, 0.3)}])
def test_too_few_trials_have_no_tau(summary, pairs):
    assert all(row.tau is None for row in agreement_info(with_curves(summary, pairs)).rows)


def test_trials_of_the_bands_add_up_to_those_of_all_sizes(summary):
    info = agreement_info(summary)
    assert {row.rung for row in info.rows} == {1, 3}
    for rung in (1, 3):
        whole, *bands = (row for row in info.rows if row.rung == rung)
        assert whole.band is None
        assert whole.trials == sum(row.trials for row in bands)
    first, top = zip(*[pair[2:] for pair in info.pairs], strict=True)
    assert info.rows[0].tau == pytest.approx(kendalltau(first, top).statistic)


def test_bands_share_the_budget_evenly_in_logarithm():
    assert band_ends(Halving(3, 100, 1_000_000)) == (
        (100, 1000),
        (1000, 10_000),
        (10_000, 100_000),
        (100_000, 1_000_000),
    )


def test_importance_finds_the_only_setting_that_matters():
    dimensions = {"a": FloatRange(0.0, 1.0), "b": Options(("x", "y", "z"))}
    rng = np.random.default_rng(0)
    values = [{"a": float(rng.uniform()), "b": "xyz"[rng.integers(3)]} for _ in range(60)]
    by_a = importances(dimensions, values, [v["a"] for v in values])
    by_b = importances(dimensions, values, [float(v["b"] == "x") for v in values])
    assert by_a["a"] > 0.9
    assert by_b["b"] > 0.9
    assert sum(by_a.values()) == pytest.approx(1)
    assert importances(dimensions, values, [0.5] * 60) == {}


def alike(summary, luck=0.0):
    """The study with 359 images and one true accuracy, 0.9, of every network; luck moves some."""
    measurements = {
        number: tuple(
            Measurement(m.epoch, 0.9 + luck * (-1) ** number, 0.016, 0.5, 359, 1.0) for m in curve
        )
        for number, curve in summary.measurements.items()
    }
    return replace(summary, measurements=measurements)


def test_homogeneity_is_that_of_the_contingency_table():
    counts = [(310, 359), (320, 359), (335, 359), (290, 300)]
    measured = [Measurement(1, right / n, 0.01, 0.5, n, 1.0) for right, n in counts]
    table = [[right for right, _ in counts], [n - right for right, n in counts]]
    found = homogeneity(measured)
    expected = chi2_contingency(table, correction=False).pvalue
    assert found.p_value == pytest.approx(expected)
    assert not found.alike
    assert homogeneity(measured[:1]) is None
    assert homogeneity([replace(m, accuracy=1.0) for m in measured]).p_value == 1.0


def test_networks_of_one_accuracy_are_rarely_told_apart():
    """The test's level is kept: of 400 studies of equal networks, about 1 in 20 is told apart."""
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(400):
        shares = rng.binomial(359, 0.9, size=20) / 359
        found = homogeneity([Measurement(1, float(s), 0.016, 0.5, 359, 1.0) for s in shares])
        told += not found.alike
    assert 8 <= told <= 36


def test_networks_within_their_errors_have_neither_importances_nor_agreement(summary):
    same = alike(summary, luck=0.005)  # far below the error of 1.6 points
    choices, agreement = choices_info(same), agreement_info(same)
    size, *accuracies = choices.importances
    assert size.shares
    assert size.alike is None
    for found in accuracies:
        assert found.shares == {}
        words = f"cannot be told apart: the {found.trials} networks lie within their errors (p = "
        assert words in found.alike.sentence
    assert [row.tau for row in agreement.rows] == [None] * len(agreement.rows)
    assert agreement.alike.networks == agreement.rows[0].trials
    assert "within errors (n = " in next(iter(taus(agreement)))[1][0]
    drawn = web.importances_figure(choices)["data"]
    assert sum("cannot be told apart" in trace["name"] for trace in drawn) == len(accuracies)
    (note,) = web.agreement_figure(agreement)["layout"]["annotations"]
    assert "cannot be told apart" in note["text"]


def test_networks_that_differ_keep_their_findings(summary):
    assert all(found.alike is None for found in choices_info(summary).importances)
    assert agreement_info(summary).alike is None
    assert agreement_info(alike(summary, luck=0.05)).rows[0].tau is not None


def test_importances_compare_accuracies_within_one_rung(summary):
    info = choices_info(summary)
    assert [(i.objective, i.trials) for i in info.importances] == [
        ("parameters", 40),
        ("accuracy after 1 epoch", 40),
        ("accuracy after 9 epochs", summary.study.states[TrialState.COMPLETE]),
    ]
    assert info.importances[0].shares["cell_num_ratio"] > 0.5
    assert {place.name for place in info.places} == set(summary.dimensions)


def test_values_along_the_front_stand_where_their_choice_puts_them(summary):
    info = choices_info(summary)
    for place in info.places:
        choice = summary.dimensions[place.name]
        assert list(place.values) == [t.values[place.name] for t in summary.front]
        for position, value in zip(place.positions, place.values, strict=True):
            again = choice.at(position)  # a number is read with four digits
            assert again == (value if isinstance(value, str) else pytest.approx(value, rel=1e-3))
    assert info.params == tuple(sorted(info.params))


def infos(summary):
    front, grown, curves = front_info(summary), hypervolume_info(summary), curves_info(summary)
    choices, agreement = choices_info(summary), agreement_info(summary)
    drawn = [
        lambda axes: paper.draw_front(axes, front),
        lambda axes: paper.draw_hypervolume(axes, grown),
        lambda axes: paper.draw_curves(axes, curves),
        lambda axes: paper.draw_importances(axes, choices),
        lambda axes: paper.draw_agreement(axes, agreement),
    ]
    figures = [
        web.front_figure(front),
        *(web.hypervolume_figure(grown, clock) for clock in CLOCKS),
        web.curves_figure(curves),
        web.importances_figure(choices),
        web.agreement_figure(agreement),
    ]
    return drawn, figures


@pytest.mark.parametrize("study", ["summary", "wide", "empty"])
def test_every_figure_is_drawn_both_ways_even_of_an_empty_study(request, study, tmp_path):
    drawn, figures = infos(request.getfixturevalue(study))
    for kind, draw in zip(("png", "svg", "pdf", "svg", "svg"), drawn, strict=True):
        path = paper.save(draw, tmp_path / f"figure.{kind}")
        assert path.read_bytes()[:4] in {b"\x89PNG", b"<?xm", b"%PDF"}
    assert [path.name[0] for path in tmp_path.iterdir()] == ["f"] * 3
    for figure in figures:
        go.Figure(plain_colours(figure))


def plain_colours(value):
    """Variables of the page's style as a colour that plotly knows."""
    if isinstance(value, dict):
        return {key: plain_colours(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain_colours(entry) for entry in value]
    return "#123456" if isinstance(value, str) and value.startswith("var(") else value


def test_a_figure_of_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"figure\.gif is no figure"):
        paper.save(lambda _: None, tmp_path / "figure.gif")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999_600, "1.00M"), (1234, "1.23k"), (184_000, "184k")],
)
def test_quantities_have_three_digits(number, text):
    assert quantity(number) == text


def test_numbers_read_as_people_write_them():
    assert percent(0.9721, 0.0042).split() == ["97.2", "±", "0.4", "%"]
    assert [duration(s) for s in (8, 720, 12_240, 216_000)] == [
        "8 s",
        "12 min",
        "3.4 h",
        "2.5 days",
    ]
    assert (plural(1, "trial"), plural(1200, "trial")) == ("1 trial", "1,200 trials")


@pytest.mark.parametrize(
    ("settings", "axis", "measure"),
    [
        ({}, "Validation accuracy", "accuracy"),
        ({"proxy": {"quality": "macro_f1"}}, "Validation macro F1", "macro F1"),
        (
            {"task": {"kind": "detection"}, "objective": {"quality": "map"}},
            "Validation average precision",
            "average precision",
        ),
        (
            {"task": {"function": "a:b"}, "objective": {"quality": "dice_score"}},
            "Dice score",
            "dice score",
        ),
    ],
)
def test_figures_and_sentences_say_what_networks_are_compared_by(summary, settings, axis, measure):
    """On the page and on paper alike."""
    spec = replace(summary.study.spec, settings={**summary.settings, **settings})
    other = replace(summary, study=replace(summary.study, spec=spec))
    for info, draw, figure in (
        (front_info(other), paper.draw_front, web.front_figure),
        (curves_info(other), paper.draw_curves, web.curves_figure),
    ):
        assert info.quality == axis
        assert figure(info)["layout"]["yaxis"]["title"]["text"] == axis
        axes = Figure().add_subplot()
        draw(axes, info)
        assert axes.get_ylabel().startswith(axis)
    assert {i.objective for i in choices_info(other).importances[1:]} == {
        f"{measure} after 1 epoch",
        f"{measure} after 9 epochs",
    }
    assert agreement_info(other).quality == capital(measure)
    assert measure in headline(other)
    assert measure in pays(other.payoff)


def test_the_picture_is_over_what_the_study_compares_by(summary):
    spec = summary.study.spec
    settings = {**summary.settings, "objective": {"cost": "macs"}}
    other = replace(summary, study=replace(summary.study, spec=replace(spec, settings=settings)))
    assert (front_info(summary).size, front_info(other).size) == ("params", "macs")
