"""Splits are disjoint, complete, stratified and fixed for ever."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import InputError
from trials.tasks.classification.data import Prepared, load, split

label_lists = st.lists(st.integers(0, 4), min_size=10, max_size=200).filter(
    lambda labels: len(labels) > len(set(labels))
)


@given(label_lists, st.integers(0, 2**63), st.floats(0.05, 0.95))
def test_every_image_is_on_exactly_one_side(labels: list[int], seed: int, share: float) -> None:
    parts = split(np.array(labels), seed, share)
    both = np.concatenate([parts.training, parts.validation])
    assert sorted(both.tolist()) == list(range(len(labels)))


@given(label_lists, st.integers(0, 2**63), st.floats(0.05, 0.95))
def test_each_class_gives_its_share_to_the_nearest_image(
    labels: list[int], seed: int, share: float
) -> None:
    every = np.array(labels)
    parts = split(every, seed, share)
    for label in set(labels):
        count = int((every == label).sum())
        taken = int((every[parts.validation] == label).sum())
        assert taken == min(max(round(share * count), 1), count - 1)


def test_a_split_depends_on_its_seed_alone(digits: Prepared) -> None:
    labels = load(digits).labels
    first, again, other = split(labels, 1), split(labels, 1), split(labels, 2)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.validation, other.validation)


def test_the_split_of_a_seed_never_changes() -> None:
    """A stored digest: a study resumed after an upgrade must measure on the same images."""
    parts = split(np.arange(1000) % 7, seed=3)
    digest = hashlib.sha256(parts.validation.astype("<i8").tobytes()).hexdigest()
    assert (len(parts.validation), digest[:16]) == (202, "342e7e6168ce743b")


@pytest.mark.parametrize(("share", "seed"), [(0.0, 0), (1.0, 0), (float("nan"), 0), (0.2, -1)])
def test_a_share_or_seed_out_of_range_is_refused(share: float, seed: int) -> None:
    with pytest.raises(InputError, match="makes no split"):
        split(np.zeros(10, dtype=np.int64), seed, share)


def test_classes_of_one_image_cannot_be_split() -> None:
    with pytest.raises(InputError, match="can spare one"):
        split(np.arange(5), 0)
