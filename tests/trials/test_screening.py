"""Screening: boxes hold every candidate once, scores are those of the rows, the best is found."""

import numpy as np
import pytest

from trials.sampling import screening
from trials.sampling.screening import Screen


@pytest.fixture(autouse=True)
def _boxes_for_fewer(monkeypatch):
    monkeypatch.setattr(screening, "ALL", 1_000)
    monkeypatch.setattr(screening, "CLOSELY", 200)


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(20_000, 4)).astype(np.float32)


def score_of(features, seen=None):
    def score(rows):
        if seen is not None:
            seen.append(len(rows))
        return -np.sum((features[rows].astype(float) - 0.7) ** 2, axis=1)

    return score


def test_boxes_hold_every_candidate_once(features):
    screen = Screen(features)
    sizes = screen._ends - screen._begins
    assert sizes.sum() == 20_000
    assert sizes.max() <= screening.BOX
    assert sorted(screen._order.tolist()) == list(range(20_000))


def test_the_best_of_a_smooth_score_is_found_and_few_are_looked_at(features, monkeypatch):
    monkeypatch.setattr(screening, "OPENED", 1_000)
    seen = []
    found = Screen(features).best_first(score_of(features), score_of(features, seen))
    every = score_of(features)(np.arange(20_000))
    assert found[0] == np.argmax(every)
    assert list(every[found]) == sorted(every[found], reverse=True)
    assert sum(seen) < 6_000


def test_a_few_candidates_are_all_looked_at_and_ties_go_by_row(features):
    few = features[:50]
    found = Screen(few).best_first(lambda rows: np.where(rows == 7, 1.0, 0.0), score_of(few))
    assert found.tolist() == [7, *(row for row in range(50) if row != 7)]


def test_like_candidates_do_not_break_the_boxes():
    same = np.zeros((20_000, 3), dtype=np.float32)
    found = Screen(same).best_first(*[lambda rows: np.zeros(len(rows))] * 2)
    assert len(set(found.tolist())) == len(found) > 0


def test_what_is_roughly_best_is_put_in_the_order_of_the_exact_score(features):
    def rough(rows):
        return score_of(features)(rows) + 0.01 * np.cos(rows)

    found = Screen(features).best_first(score_of(features), rough)
    every = score_of(features)(np.arange(20_000))
    assert len(found) == 200
    assert found[0] == np.argmax(every)
    assert list(every[found]) == sorted(every[found], reverse=True)
