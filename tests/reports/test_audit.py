"""How far a proxy is to be believed, held to scipy and to studies whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from reports import tables
from reports.audit import Audited, Belief, audit_of, sentence, tau_of, taus
from reports.page import refresh, render
from trials.audits import audit_seed
from trials.records import Baseline, BaselineRecord, Measurement, Role, TrialState

TOP, LONG = 9, 45
pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12)


@given(pairs, st.integers(0, 99))
def test_a_resampled_tau_is_scipys_of_the_networks_drawn(points, seed):
    before, after = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    number = len(points)
    drawn = np.random.default_rng(seed).integers(0, number, number)
    assume(len(set(before[drawn])) > 1 and len(set(after[drawn])) > 1)
    times = np.bincount(drawn, minlength=number)[None, :].astype(float)
    found = taus(before, after, np.ones((number, number), dtype=bool), times)[0]
    assert found == pytest.approx(kendalltau(before[drawn], after[drawn]).statistic)


def network(trial, band, proxy, long):
    return Audited(trial, 10 * trial, 10 * trial, band, {TOP: proxy}, proxy, long, 0.01, None)


def test_pairs_of_like_size_are_compared_inside_bands_alone():
    """Sizes rank alike, and in each band the order is turned round."""
    networks = [
        network(n, n // 3, n // 3 + 0.1 * (n % 3), n // 3 - 0.1 * (n % 3)) for n in range(9)
    ]
    alike, everything = tau_of(networks, TOP, "same band"), tau_of(networks, TOP, "all")
    assert (alike.value, alike.pairs) == (-1.0, 9)
    assert everything.pairs == 36
    assert everything.value == pytest.approx((27 - 9) / 36)
    assert everything.p_value == pytest.approx(
        kendalltau([n.proxy for n in networks], [n.long for n in networks]).pvalue
    )
    assert tau_of(networks[:2], TOP, "all").value is None


def audits(summary, change, state=TrialState.COMPLETE, number=8):
    """Audits of trials over all sizes; ``change`` makes the long accuracy of the proxy's."""
    complete = [t for t in summary.trials if t.state is TrialState.COMPLETE]
    stopped = [t for t in summary.trials if t.state is TrialState.STOPPED]
    ordered = sorted(complete, key=lambda t: t.trial.params)
    chosen = [*ordered[:: max(len(ordered) // (number - 1), 1)][: number - 1], stopped[0]]
    jobs, curves = [], {}
    for record in chosen:
        wanted = [(LONG, change(record.accuracy), state)]
        if record.state is TrialState.STOPPED:
            wanted.append((TOP, record.accuracy + 0.01, TrialState.COMPLETE))
        for length, accuracy, ended in wanted:
            place = len(summary.baselines) + len(jobs)
            job = Baseline(
                study="made-up",
                number=place,
                role=Role.AUDIT,
                backbone=summary.study.spec.backbone,
                params=record.trial.params,
                macs=record.trial.macs,
                seed=audit_seed(record.trial.seed, length),
                repeats=record.trial,
                schedule_epochs=length,
            )
            jobs.append(
                replace(
                    summary.baselines[0],
                    baseline=job,
                    state=ended,
                    accuracy=accuracy,
                    accuracy_error=0.01,
                )
            )
            curves[place] = (Measurement(length, accuracy, 0.01, 0.5, 359, 9.0),)
    assert isinstance(jobs[0], BaselineRecord)
    return replace(summary, baselines=(*summary.baselines, *jobs), baseline_curves=curves), chosen


def test_a_proxy_that_ranks_as_longer_training_does_is_believed(summary):
    audited, chosen = audits(summary, lambda accuracy: accuracy + 0.05)
    found = audited.audit
    assert {one.trial for one in found.networks} == {one.number for one in chosen}
    assert (found.epochs, found.top, found.asked, found.finished) == (LONG, TOP, 8, True)
    (stopped,) = [one for one in found.networks if one.stopped is not None]
    assert stopped.proxy == pytest.approx(chosen[-1].accuracy + 0.01)
    assert found.belief is Belief.YES
    assert found.tau().value > 0.8
    low, value, high = (round(getattr(found.tau(), end), 9) for end in ("low", "value", "high"))
    assert low <= value <= high
    said = sentence(found)
    assert said.startswith("The proxy is to be believed: 9 epochs rank 8 networks as 45 do")
    assert "Of 1 that were stopped at a rung" in said


def test_a_proxy_that_ranks_the_other_way_round_is_not(summary):
    found = audits(summary, lambda accuracy: 1 - accuracy)[0].audit
    assert found.tau().value < -0.6
    assert found.belief is Belief.NO
    smallest = found.networks[0]
    assert smallest.on_long_front
    assert not found.networks[-1].on_long_front
    left = [one for one in found.networks if one.on_front and not one.on_long_front]
    assert left
    assert all(one.behind > 0 for one in left)
    assert "of them beyond two errors" in sentence(found)


def test_decisions_are_those_of_the_studys_own_rule(summary):
    """By one and the same accuracy nothing would change."""
    audited, _ = audits(summary, lambda accuracy: 1 - accuracy)
    found = audited.audit
    assert {one.rung for one in found.decisions} == {1, 3}
    assert any(one.by_proxy != one.by_long for one in found.decisions)
    same = {
        number: tuple(replace(m, accuracy=summary.by_number[number].accuracy) for m in curve)
        for number, curve in summary.measurements.items()
    }
    alike = replace(audits(summary, lambda accuracy: accuracy)[0], measurements=same)
    decided = [one for one in alike.audit.decisions if one.trial != alike.audit.networks[0].stopped]
    stopped = {one.trial for one in alike.audit.networks if one.stopped is not None}
    assert all(one.by_proxy == one.by_long for one in decided if one.trial not in stopped)
    asked = {**summary.settings, "search": {**summary.settings["search"], "promotion": "none"}}
    spec = replace(summary.study.spec, settings=asked)
    unstopped = replace(audited, study=replace(summary.study, spec=spec))
    assert unstopped.audit.decisions == ()


def test_an_audit_that_is_not_over_says_so(summary):
    audited, _ = audits(summary, lambda accuracy: accuracy, TrialState.WAITING)
    assert audited.audit.networks == ()
    assert audited.audit.belief is Belief.OPEN
    assert "is not over: 0 of 8 networks trained" in sentence(audited.audit)
    failed, _ = audits(summary, lambda accuracy: accuracy, TrialState.FAILED)
    assert failed.audit.failed == 8
    assert "too few" in sentence(failed.audit)


def test_the_page_shows_the_audit_and_a_page_without_one_does_not(summary):
    audited, _ = audits(summary, lambda accuracy: accuracy + 0.05)
    page = render(audited)
    assert "Does the proxy rank networks as 45 epochs do?" in page
    assert tables.audit(audited) in page.replace("&#39;", "'")
    assert len([*tables.audited(audited)]) == 8
    assert [name for name, _ in tables.audited_taus(audited)][:2] == ["all sizes", "like size"]
    assert "longer schedule" in refresh(audited)
    assert "Does the proxy rank" not in render(summary)
    assert summary.audit is None
    assert audit_of((), {}, (), {}, rungs=(1,), halving=summary.halving) is None
